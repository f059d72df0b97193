"""Agreement of predictions with MOS or classes: correlations, confidence intervals, significance tests, D/L/P/M, gMAD."""
