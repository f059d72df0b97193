"""Several faults of one photo by name and level, learned from clean photos that are spoiled on the fly (ours)."""
