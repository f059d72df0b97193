"""Several defects of one photo by name and level, learned from clean photos that are distorted on the fly (ours)."""
