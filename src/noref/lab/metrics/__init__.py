"""Agreement of predictions with subjective scores or classes: correlations, intervals, significance tests, calibration."""
