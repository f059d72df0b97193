"""Single-label distortion classifiers: SimpleNet and fine-tuned backbones (Elaraby et al. 2023)."""
