"""Recipes, training runs and evaluations with their results folders, comparisons, and studies over many settings."""
