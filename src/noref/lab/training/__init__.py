"""What the networks share: data, loop, checkpoints, curves."""
