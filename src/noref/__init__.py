"""noref tells how good a photo looks when there is no reference to compare it with.

    import noref

    noref.score("photo.jpg").score   # 0 to 100, higher is better

For more than one photo build a `Scorer` once and use its `score` and `score_many`.
"""

from noref.assessment import Assessment, Defect
from noref.card import ModelCard
from noref.errors import (
    BadModel,
    DamagedImage,
    EmptyImage,
    ImageError,
    ImageNotFound,
    ImageTooLarge,
    ImageTooSmall,
    InternalError,
    ModelError,
    ModelNotFound,
    NorefError,
    NotAnImage,
    ScoringFailed,
    UnsupportedImage,
)
from noref.scorer import Scorer, score

__version__ = "0.1.0"

__all__ = [
    "Assessment",
    "BadModel",
    "DamagedImage",
    "Defect",
    "EmptyImage",
    "ImageError",
    "ImageNotFound",
    "ImageTooLarge",
    "ImageTooSmall",
    "InternalError",
    "ModelCard",
    "ModelError",
    "ModelNotFound",
    "NorefError",
    "NotAnImage",
    "Scorer",
    "ScoringFailed",
    "UnsupportedImage",
    "__version__",
    "score",
]
