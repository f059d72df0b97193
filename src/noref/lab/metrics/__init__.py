"""How well predictions agree with opinions or classes: correlations, intervals, tests, calibration."""
