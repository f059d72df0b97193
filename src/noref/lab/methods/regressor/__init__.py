"""A pretrained backbone, pooled and fine-tuned to the MOS (Padmaja, Al Hamed, Reddy, Reddy 2023)."""
