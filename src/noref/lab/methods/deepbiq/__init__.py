"""DeepBIQ: pooled features of image crops from a pre-trained network, and a support vector regressor."""
