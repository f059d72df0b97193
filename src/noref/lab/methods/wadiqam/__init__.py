"""WaDIQaM-NR and DIQaM-NR: a deep network for patches, with learned weights of the patches or equal ones."""
