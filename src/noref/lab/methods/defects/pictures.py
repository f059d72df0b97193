"""A figure of photos with their predicted defects."""

import math
from collections.abc import Sequence
from pathlib import PurePath

from matplotlib.figure import Figure

from noref.assessment import LIKELY
from noref.errors import ImageError
from noref.images import Source
from noref.lab.methods.defects.method import DefectsMethod
from noref.lab.plots.predictions import show_photo
from noref.sources import Found

EACH = 5  # photos per row


def draw(method: DefectsMethod, photos: Sequence[Found], title: str) -> Figure:
    """Draw photos in rows, each under its likely defects with level (0 to 5) and probability, most likely first.

    Args:
        method: Fitted.
        photos: At least one; for one that cannot be read or is too small, the error is shown.
        title: Title of the figure.
    """
    rows = math.ceil(len(photos) / EACH)
    figure = Figure(figsize=(2.9 * EACH, 3.4 * rows + 0.4), layout="constrained")
    figure.suptitle(title)
    panels = figure.subplots(rows, EACH, squeeze=False).ravel()
    for axes in panels:
        axes.set_axis_off()
    for axes, photo in zip(panels, photos, strict=False):
        try:
            source = photo.open()
            show_photo(axes, source)
            lines = _named(method, source)
        except ImageError as error:
            lines = [error.cause]
        axes.set_title("\n".join([PurePath(photo.name).name, *lines]), fontsize=8)
    return figure


def _named(method: DefectsMethod, source: Source) -> list[str]:
    found = method.outputs(source)
    facts = zip(found["defects"].tolist(), method.classes_, found["levels"].tolist(), strict=True)
    likely = sorted((fact for fact in facts if fact[0] >= LIKELY), reverse=True)
    return [f"{name} {level:.1f} ({probability:.0%})" for probability, name, level in likely] or ["no defect predicted"]
