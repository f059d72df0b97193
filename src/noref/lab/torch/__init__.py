"""The score as a metric and as a loss in the training of other networks; it needs the extra: pip install 'noref[torch]'."""

from typing import TYPE_CHECKING, Any

from noref.lab.torch.quality import QualityLoss, QualityMetric

if TYPE_CHECKING:
    from noref.lab.torch.mean import MeanQuality

__all__ = ["MeanQuality", "QualityLoss", "QualityMetric"]


def __getattr__(name: str) -> Any:
    if name == "MeanQuality":  # it alone needs torchmetrics
        from noref.lab.torch.mean import MeanQuality

        return MeanQuality
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
