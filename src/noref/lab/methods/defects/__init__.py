"""Several defects of one photo, each with its level, learned from pristine photos that are distorted on the fly (ours)."""
