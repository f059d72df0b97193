"""Methods on hand-crafted features, without a network: one module each."""
