"""TensorFlow's "same" padding with fixed amounts, for export."""

import copy
from typing import TypeVar

import torch.nn.functional as F
from timm.layers.conv2d_same import Conv2dSame
from torch import Tensor, nn

N = TypeVar("N", bound=nn.Module)


def with_static_padding(network: N) -> N:
    """A copy of a network whose convolutions with "same" padding pad by fixed amounts, not by formulas of the input size.

    The results are equal if the stride of each of these layers divides the sides of its input, as it does for images whose
    sides are multiples of the total stride. The export to ONNX takes seconds instead of minutes.
    """
    network = copy.deepcopy(network)
    for parent in list(network.modules()):
        for name, layer in list(parent.named_children()):
            if isinstance(layer, Conv2dSame):
                setattr(parent, name, _Padded(layer))
    return network


class _Padded(nn.Module):
    def __init__(self, layer: Conv2dSame) -> None:
        super().__init__()
        self.layer = layer
        tall, wide = (
            max(dilation * (kernel - 1) + 1 - stride, 0)
            for kernel, stride, dilation in zip(layer.kernel_size, layer.stride, layer.dilation, strict=True)
        )
        self.sides = (wide // 2, wide - wide // 2, tall // 2, tall - tall // 2)

    def forward(self, maps: Tensor) -> Tensor:
        layer, padded = self.layer, F.pad(maps, self.sides)
        return F.conv2d(padded, layer.weight, layer.bias, layer.stride, 0, layer.dilation, layer.groups)
