"""Training, shared by all methods: data sets, batches, losses, the training loop, schedules and checkpoints."""
