"""NIMA: a fine-tuned backbone predicts the distribution of the ratings of a photo, trained by the earth mover's distance."""
