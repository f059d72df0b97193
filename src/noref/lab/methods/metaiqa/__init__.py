"""MetaIQA: weights learned to adapt quickly to unknown distortions, then fine-tuned on rated photos (Zhu et al. 2020)."""
