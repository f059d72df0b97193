"""Layers and reductions of exported models; names, inputs and attributes are those of ONNX's operators, opset 18."""

import math
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from noref.lab.torch.values import Ints, as_list


def conv(
    maps: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    strides: list[int],
    pads: list[int],
    dilations: list[int],
    group: int,
    kernel_shape: object = None,  # that of the weight
) -> Tensor:
    maps, sides = _padded(maps, pads)
    return F.conv2d(maps, weight, bias, strides, sides, dilations, group)


def conv_transpose(
    maps: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    strides: list[int],
    pads: list[int],
    dilations: list[int],
    group: int,
    output_padding: Sequence[int] = (0, 0),
    kernel_shape: object = None,
) -> Tensor:
    if pads[:2] != pads[2:]:
        raise ValueError("ConvTranspose with uneven padding")
    return F.conv_transpose2d(maps, weight, bias, strides, pads[:2], list(output_padding), group, dilations)


def _padded(maps: Tensor, pads: list[int], value: float = 0) -> tuple[Tensor, list[int]]:
    """Maps, padded where the sides differ, and the padding that remains for the layer."""
    top, left, bottom, right = pads
    if (top, left) == (bottom, right):
        return maps, [top, left]
    return F.pad(maps, (left, right, top, bottom), value=value), [0, 0]


def average_pool(
    maps: Tensor,
    *,
    kernel_shape: list[int],
    strides: list[int],
    pads: list[int],
    ceil_mode: int = 0,
    count_include_pad: int = 0,
) -> Tensor:
    if pads[:2] != pads[2:]:
        raise ValueError("AveragePool with uneven padding")
    return F.avg_pool2d(maps, kernel_shape, strides, pads[:2], bool(ceil_mode), bool(count_include_pad))


def max_pool(
    maps: Tensor,
    *,
    kernel_shape: list[int],
    strides: list[int],
    pads: list[int],
    dilations: Sequence[int] = (1, 1),
    ceil_mode: int = 0,
) -> Tensor:
    maps, sides = _padded(maps, pads, -math.inf)
    return F.max_pool2d(maps, kernel_shape, strides, sides, list(dilations), bool(ceil_mode))


def global_average_pool(maps: Tensor) -> Tensor:
    return maps.mean(dim=(2, 3), keepdim=True)


def batch_normalization(
    maps: Tensor, scale: Tensor, shift: Tensor, mean: Tensor, variance: Tensor, *, epsilon: float = 1e-5
) -> Tensor:
    return F.batch_norm(maps, mean, variance, scale, shift, eps=epsilon)


def layer_normalization(
    values: Tensor, scale: Tensor, shift: Tensor | None = None, *, axis: int = -1, epsilon: float = 1e-5
) -> Tensor:
    return F.layer_norm(values, values.shape[axis:], scale, shift, epsilon)


def gemm(
    first: Tensor,
    second: Tensor,
    third: Tensor | None = None,
    *,
    alpha: float = 1,
    beta: float = 1,
    transA: int = 0,  # noqa: N803
    transB: int = 0,  # noqa: N803
) -> Tensor:
    product = alpha * ((first.T if transA else first) @ (second.T if transB else second))
    return product if third is None else product + beta * third


def einsum(*values: Tensor, equation: str) -> Tensor:
    return torch.einsum(equation, *values)


def _reduced(function: Callable[..., Tensor], values: Tensor, axes: Ints | None, keepdims: int, noop: int) -> Tensor:
    chosen = as_list(axes) if axes is not None else []
    if noop and not chosen:
        return values
    precise = values.float() if values.dtype in (torch.float16, torch.bfloat16) else values
    return function(precise, dim=chosen or list(range(values.ndim)), keepdim=bool(keepdims))


def reduce_mean(values: Tensor, axes: Ints | None = None, *, keepdims: int = 1, noop_with_empty_axes: int = 0) -> Tensor:
    return _reduced(torch.mean, values, axes, keepdims, noop_with_empty_axes)


def reduce_sum(values: Tensor, axes: Ints | None = None, *, keepdims: int = 1, noop_with_empty_axes: int = 0) -> Tensor:
    return _reduced(torch.sum, values, axes, keepdims, noop_with_empty_axes)


def reduce_max(values: Tensor, axes: Ints | None = None, *, keepdims: int = 1, noop_with_empty_axes: int = 0) -> Tensor:
    return _reduced(torch.amax, values, axes, keepdims, noop_with_empty_axes)


def reduce_min(values: Tensor, axes: Ints | None = None, *, keepdims: int = 1, noop_with_empty_axes: int = 0) -> Tensor:
    return _reduced(torch.amin, values, axes, keepdims, noop_with_empty_axes)


def reduce_l2(values: Tensor, axes: Ints | None = None, *, keepdims: int = 1, noop_with_empty_axes: int = 0) -> Tensor:
    return _reduced(torch.linalg.vector_norm, values, axes, keepdims, noop_with_empty_axes)


def reduce_prod(values: Tensor, axes: Ints | None = None, *, keepdims: int = 1, noop_with_empty_axes: int = 0) -> Tensor:
    if axes is not None or keepdims:
        raise ValueError("ReduceProd of some axes")
    return values.prod()


def resize(
    maps: Tensor,
    _roi: None,
    scales: Sequence[float] | None = None,
    sizes: Ints | None = None,
    *,
    mode: str = "nearest",
    antialias: int = 0,
    coordinate_transformation_mode: str = "half_pixel",
    cubic_coeff_a: float = -0.75,
    nearest_mode: str = "round_prefer_floor",
) -> Tensor:
    """Maps N x C x h x w at another size."""
    if sizes is None:
        assert scales is not None
        sizes = [math.floor(side * scale) for side, scale in zip(maps.shape, as_list(scales), strict=True)]
    if mode == "nearest":
        if (coordinate_transformation_mode, nearest_mode) != ("asymmetric", "floor"):
            raise ValueError(f"Resize to the nearest by {coordinate_transformation_mode} and {nearest_mode}")
        return F.interpolate(maps, as_list(sizes)[2:], mode="nearest")
    if coordinate_transformation_mode not in ("half_pixel", "pytorch_half_pixel"):
        raise ValueError(f"Resize by {coordinate_transformation_mode}")
    if mode == "cubic" and cubic_coeff_a != (-0.5 if antialias else -0.75):
        raise ValueError(f"Resize with the coefficient {cubic_coeff_a}")
    return F.interpolate(maps, as_list(sizes)[2:], mode=f"bi{mode}", antialias=bool(antialias))
