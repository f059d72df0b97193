"""Building blocks of networks: pretrained backbones, pooling, heads, and a cache of their features."""
