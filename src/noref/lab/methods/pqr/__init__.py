"""PQR: a network that predicts the distribution of a score over a few bins, from crops (Zeng, Zhang, Bovik 2018)."""
