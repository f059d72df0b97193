"""DeepBIQ: pooled features of image crops from a pretrained network, and a support vector regressor."""
