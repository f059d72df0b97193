"""The maps of DIQA as in the paper's figure: input, reliability, true and predicted error map, perceptual error map."""

import numpy as np
import numpy.typing as npt
import torch
from matplotlib.figure import Figure

from noref.lab.arrays import Map
from noref.lab.methods.diqa import maps
from noref.lab.methods.diqa.method import DiqaMethod
from noref.lab.methods.diqa.network import decompose


def draw(method: DiqaMethod, reference: npt.NDArray[np.uint8], distorted: npt.NDArray[np.uint8]) -> Figure:
    """Draw photo, network input, reliability, true and predicted error map, sensitivity and perceptual error map in a row.

    DIQA has no sensitivity map; its perceptual error map shows how much each cell lowers the score.

    Args:
        method: Fitted.
        reference: uint8, H x W x 3.
        distorted: The distorted photo; same shape.
    """
    size, design = method.working_size, method.settings.design
    good, bad = (decompose(torch.from_numpy(size.apply(pixels))[None], design.normalise) for pixels in (reference, distorted))
    found = method.explain(distorted)
    score = float(method.predict([distorted])[0])
    panels: list[tuple[str, Map, str]] = [
        ("input", _array(bad.input), "gray"),
        ("reliability", _array(maps.relative_reliability(bad.detail, design.alpha)), "gray"),
        ("true error", _array(maps.error_map(good.input, bad.input, design.power)), "inferno"),
    ]
    if "error" in found:
        panels.append(("predicted error", found["error"], "inferno"))
    if "sensitivity" in found:
        panels += [("sensitivity", found["sensitivity"], "viridis"), ("perceptual error", found["perceptual"], "inferno")]
    else:
        panels += [("perceptual error", found["quality"].max() - found["quality"], "inferno")]
    figure = Figure(figsize=(3.1 * (len(panels) + 1), 3.4), layout="constrained")
    first, *rest = figure.subplots(1, len(panels) + 1)
    first.imshow(distorted)
    first.set_title(f"photo, score {score:.2f}")
    same = {"true error", "predicted error"}
    top = max(float(panel.max()) for title, panel, _ in panels if title in same)
    for axes, (title, panel, palette) in zip(rest, panels, strict=True):
        limits = {"vmin": 0.0, "vmax": top} if title in same else {}  # the two error maps share one scale
        axes.imshow(panel, cmap=palette, **limits)
        axes.set_title(title)
    for axes in (first, *rest):
        axes.set_axis_off()
    return figure


def _array(tensor: torch.Tensor) -> Map:
    array: Map = tensor[0, 0].numpy()
    return array
