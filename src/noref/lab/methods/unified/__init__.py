"""How good, why and where in one network and one pass: the model that ships (ours)."""
