"""Hand-crafted statistics of photos, for methods without a network: computed by NumPy, in strips of bounded memory."""
