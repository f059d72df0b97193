"""Recipes: one YAML a published experiment."""
