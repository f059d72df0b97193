"""Databases of rated photos, one reader module each, and synthetic databases; all are read as `RatedImages`."""

from noref.lab.datasets.card import DatabaseCard
from noref.lab.datasets.rated import RatedImages
from noref.lab.datasets.registry import card, database, names, read

from noref.lab.datasets import readers  # noqa: F401  # isort: skip  (registers the databases)

__all__ = ["DatabaseCard", "RatedImages", "card", "database", "names", "read"]
