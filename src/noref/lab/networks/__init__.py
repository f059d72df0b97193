"""Building blocks of networks: pre-trained backbones, pooling, heads, and a cache of their features."""
