"""A pre-trained backbone, pooled and fine-tuned to people's opinions (paper 001: ConvNeXt)."""
