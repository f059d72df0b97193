"""CNNIQA and CNNIQA++: shallow networks on locally normalised patches; CNNIQA++ also identifies the distortion."""
