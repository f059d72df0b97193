"""One distortion a photo, by name: SimpleNet and tuned backbones (paper 004)."""
