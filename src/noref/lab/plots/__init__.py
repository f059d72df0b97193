"""Figures of distortions, training, networks and predictions."""
