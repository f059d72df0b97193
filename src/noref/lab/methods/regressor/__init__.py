"""A pretrained backbone, pooled and fine-tuned to the MOS (Zhang et al.: ConvNeXt)."""
