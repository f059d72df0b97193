"""The score as a metric and as a loss in the training of other networks; it needs the extra: pip install 'noref[torch]'."""

from typing import TYPE_CHECKING, Any

try:
    from noref.lab.torch.quality import QualityLoss, QualityMetric
except ModuleNotFoundError as error:
    if error.name != "torch":
        raise
    raise ModuleNotFoundError("noref.lab.torch needs torch; pip install 'noref[torch]'", name="torch") from error

if TYPE_CHECKING:
    from noref.lab.torch.mean import MeanQuality

__all__ = ["MeanQuality", "QualityLoss", "QualityMetric"]


def __getattr__(name: str) -> Any:
    if name != "MeanQuality":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        from noref.lab.torch.mean import MeanQuality
    except ModuleNotFoundError as error:
        if error.name != "torchmetrics":
            raise
        raise ModuleNotFoundError("MeanQuality needs torchmetrics; pip install torchmetrics", name="torchmetrics") from error
    return MeanQuality
