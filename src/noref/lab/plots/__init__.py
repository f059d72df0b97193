"""Figures of data, training and results."""
