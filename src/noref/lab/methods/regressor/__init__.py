"""A pretrained backbone with global pooling, fine-tuned to predict the MOS (Padmaja, Al Hamed, Reddy, Reddy 2023)."""
