"""One distortion a photo, by name: SimpleNet and tuned backbones (Elaraby et al. 2023)."""
