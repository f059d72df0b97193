"""No-reference image quality assessment: predicts how good a photo looks, why, and where.

Examples:
    >>> import noref
    >>> from PIL import Image
    >>> photo = Image.effect_mandelbrot((384, 256), (-2, -1, 1, 1), 50)  # or a path, such as "photo.jpg"
    >>> assessment = noref.score(photo)
    >>> 0 <= assessment.score <= 100  # higher is better
    True

To score many images, build a `Scorer` once and call its `score` and `score_many`.
"""

from noref.assessment import Assessment, Defect
from noref.card import ModelCard
from noref.errors import (
    BadModel,
    ClusterError,
    ComparisonError,
    DamagedImage,
    EmptyImage,
    ExportError,
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
    StoreError,
    UnsupportedImage,
)
from noref.scorer import Scorer, score

__version__ = "0.1.0"

__all__ = [
    "Assessment",
    "BadModel",
    "ClusterError",
    "ComparisonError",
    "DamagedImage",
    "Defect",
    "EmptyImage",
    "ExportError",
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
    "StoreError",
    "UnsupportedImage",
    "__version__",
    "score",
]
