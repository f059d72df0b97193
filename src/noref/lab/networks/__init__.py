"""What methods on pre-trained networks are made of: a backbone, a description of its maps, a head, a cache of features."""
