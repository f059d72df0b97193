"""How well a method agrees with subjective scores: content-disjoint splits, protocols, and summaries of predictions."""
