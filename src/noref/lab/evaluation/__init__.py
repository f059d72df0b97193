"""Agreement of methods with subjective scores: content-disjoint splits, protocols, and summaries of predictions."""
