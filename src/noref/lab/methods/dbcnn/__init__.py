"""DB-CNN: bilinear pooling of a pretrained network and one trained on synthetic distortions (Zhang et al. 2020)."""
