"""BIECON: a network that first learns the local scores of a full-reference metric, then the MOS."""
