"""A page of photos with the faults that were named in each."""

import math
from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from noref.assessment import LIKELY
from noref.lab.evaluation.pictures import show_photo
from noref.lab.methods.faults.method import FaultsMethod

EACH = 5  # photos a row


def draw(method: FaultsMethod, photos: Sequence[Path], title: str) -> Figure:
    """Photos in rows, above each its likely faults with level (of 5) and probability, most likely first.

    Args:
        method: Fitted.
        photos: At least one.
        title: Of the page.

    Raises:
        ImageError: A photo cannot be read, or is too small.
    """
    found = method.assess(photos)
    rows = math.ceil(len(photos) / EACH)
    figure = Figure(figsize=(2.9 * EACH, 3.4 * rows + 0.4), layout="constrained")
    figure.suptitle(title)
    panels = figure.subplots(rows, EACH, squeeze=False).ravel()
    for axes in panels:
        axes.set_axis_off()
    for axes, photo, probabilities, levels in zip(panels, photos, found.probabilities, found.levels, strict=False):
        facts = zip(probabilities.tolist(), method.classes_, levels.tolist(), strict=True)
        likely = sorted((fact for fact in facts if fact[0] >= LIKELY), reverse=True)
        lines = [f"{name} {level:.1f} ({probability:.0%})" for probability, name, level in likely] or ["no fault named"]
        show_photo(axes, photo)
        axes.set_title("\n".join([photo.name, *lines]), fontsize=8)
    return figure
