"""The kernels of a network's first layer, as an image grid."""

import math

import torch
from matplotlib.figure import Figure
from torch import Tensor, nn
from torchvision.utils import make_grid


def first_layer(network: object) -> Tensor | None:
    """Weights of the first convolution of a network, kernels x input channels x height x width.

    Args:
        network: A network, or another object.

    Returns:
        The weights; None if there is no convolution.
    """
    layers = network.modules() if isinstance(network, nn.Module) else ()
    return next((layer.weight.detach() for layer in layers if isinstance(layer, nn.Conv2d)), None)


def draw(weights: Tensor, title: str) -> Figure:
    """Draw all kernels in a grid, each divided by its largest absolute weight; grey is 0. Magnitudes are not comparable.

    Args:
        weights: Kernels x input channels x height x width; three channels are shown as RGB, one as grey.
        title: Title of the figure.
    """
    count, _, height, width = weights.shape
    largest = weights.abs().amax(dim=(1, 2, 3), keepdim=True).clamp(min=torch.finfo(weights.dtype).tiny)
    columns = math.ceil(math.sqrt(count))
    tiles = make_grid(0.5 + 0.5 * weights / largest, nrow=columns, padding=1, pad_value=1)
    rows = math.ceil(count / columns)
    figure = Figure(figsize=(6, 6 * rows * height / (columns * width) + 0.8), layout="constrained")
    axes = figure.subplots()
    axes.imshow(tiles.permute(1, 2, 0).numpy(), interpolation="nearest")
    axes.set_axis_off()
    axes.set_title(
        f"{title}: {count} kernels of {height} x {width}\neach divided by its largest absolute weight; grey is 0", fontsize=10
    )
    return figure
