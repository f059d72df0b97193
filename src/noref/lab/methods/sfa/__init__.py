"""SFA: features of overlapping crops from a pretrained network, aggregated, and partial least squares (Li et al. 2019)."""
