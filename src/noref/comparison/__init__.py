"""Comparison of systems, such as codecs or two versions of a pipeline, by the scores of the same pictures."""

from noref.comparison.figures import Comparison, DefectChange, Pair, Picture, Summary, compare
from noref.comparison.pairing import Failed, Paired
from noref.comparison.systems import System, common_settings, distinct_names

__all__ = [
    "Comparison",
    "DefectChange",
    "Failed",
    "Pair",
    "Paired",
    "Picture",
    "Summary",
    "System",
    "common_settings",
    "compare",
    "distinct_names",
]
