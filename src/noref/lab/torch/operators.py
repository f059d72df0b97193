"""The operators of exported models as functions of torch.

Names, inputs and attributes are those of the ONNX specification (https://onnx.ai/onnx/operators), opset 18. Values are tensors;
constants of integers, and single numbers, are plain lists and numbers. Tensors of integers hold shapes and places; they stay on
the processor, wherever the photos are.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor

Ints: TypeAlias = Sequence[int] | Tensor
Value: TypeAlias = Tensor | float | Sequence[Any]


def _list(values: Any) -> list[Any]:
    return values.tolist() if isinstance(values, Tensor) else list(values)


def _tensor(value: Value) -> Tensor:
    return value if isinstance(value, Tensor) else torch.tensor(value)


def _operand(value: Value) -> Any:
    """What arithmetic of torch takes: a tensor or a number."""
    return value if isinstance(value, (Tensor, int, float)) else torch.tensor(value)


# Arithmetic


def add(first: Value, second: Value) -> Tensor:
    return _operand(first) + _operand(second)


def sub(first: Value, second: Value) -> Tensor:
    return _operand(first) - _operand(second)


def mul(first: Value, second: Value) -> Tensor:
    return _operand(first) * _operand(second)


def div(first: Value, second: Value) -> Tensor:
    dividend, divisor = _tensor(first), _operand(second)
    if dividend.is_floating_point() or (isinstance(divisor, Tensor) and divisor.is_floating_point()):
        return dividend / divisor
    return torch.div(dividend, divisor, rounding_mode="trunc")


def mod(first: Value, second: Value, *, fmod: int = 0) -> Tensor:
    if fmod:
        raise ValueError("Mod with fmod")
    return torch.remainder(_tensor(first), _operand(second))


def power(base: Value, exponent: Value) -> Tensor:
    return torch.pow(_tensor(base), _operand(exponent))


def largest(first: Value, second: Value) -> Tensor:
    values, bound = (first, second) if isinstance(first, Tensor) else (second, first)
    return torch.clamp(_tensor(values), min=_operand(bound))


def smallest(first: Value, second: Value) -> Tensor:
    values, bound = (first, second) if isinstance(first, Tensor) else (second, first)
    return torch.clamp(_tensor(values), max=_operand(bound))


def clip(values: Tensor, low: Any = None, high: Any = None) -> Tensor:
    if low is None or high is None:
        return torch.clamp(values, low, high)
    return F.hardtanh(values, low, high)  # its gradient is faster


def cast(values: Value, *, to: int) -> Tensor:
    """To another type; double precision stays, so that a network in double precision works."""
    found = _tensor(values)
    if to in (1, 10) and found.dtype == torch.float64:
        return found
    return found.to({1: torch.float32, 6: torch.int32, 7: torch.int64, 9: torch.bool, 10: torch.float32, 11: torch.float64}[to])


def where(condition: Tensor, first: Value, second: Value) -> Tensor:
    return torch.where(condition, _operand(first), _operand(second))


def equal(first: Value, second: Value) -> Tensor:
    return _tensor(first) == _operand(second)


def greater(first: Value, second: Value) -> Tensor:
    return _tensor(first) > _operand(second)


def less(first: Value, second: Value) -> Tensor:
    return _tensor(first) < _operand(second)


# Functions of each value


def hard_sigmoid(values: Tensor, *, alpha: float = 0.2, beta: float = 0.5) -> Tensor:
    return (alpha * values + beta).clamp(0, 1)


def leaky_relu(values: Tensor, *, alpha: float = 0.01) -> Tensor:
    return F.leaky_relu(values, alpha)


def softmax(values: Tensor, *, axis: int = -1) -> Tensor:
    return values.softmax(axis)


def softplus(values: Tensor) -> Tensor:
    return F.softplus(values)


# Layers


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


# Reductions, in single precision at least


def _reduced(function: Callable[..., Tensor], values: Tensor, axes: Ints | None, keepdims: int, noop: int) -> Tensor:
    chosen = _list(axes) if axes is not None else []
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


# Shapes and places


def shape(values: Tensor, *, start: int = 0, end: int | None = None) -> Tensor:
    return torch.tensor(values.shape[start:end])


def reshape(values: Tensor, target: Ints, *, allowzero: int = 0) -> Tensor:
    sides = _list(target)
    return values.reshape(sides if allowzero else [side or values.shape[axis] for axis, side in enumerate(sides)])


def flatten(values: Tensor, *, axis: int = 1) -> Tensor:
    return values.reshape(math.prod(values.shape[:axis]), -1)


def expand(values: Tensor, target: Ints) -> Tensor:
    return values.expand(torch.broadcast_shapes(values.shape, tuple(_list(target))))  # type: ignore[no-untyped-call]


def squeeze(values: Tensor, axes: Ints | None = None) -> Tensor:
    return values.squeeze() if axes is None else values.squeeze(tuple(_list(axes)))


def unsqueeze(values: Value, axes: Ints) -> Tensor:
    found = _tensor(values)
    rank = found.ndim + len(axes)
    for axis in sorted(axis % rank for axis in _list(axes)):
        found = found.unsqueeze(axis)
    return found


def transpose(values: Tensor, *, perm: list[int]) -> Tensor:
    return values.permute(perm)


def concat(*values: Value, axis: int) -> Tensor:
    return torch.cat([_tensor(value) for value in values], axis)


def split(values: Tensor, sizes: Ints | None = None, *, axis: int = 0, num_outputs: int = 0) -> Sequence[Tensor]:
    return torch.split(values, _list(sizes), axis) if sizes is not None else values.chunk(num_outputs, axis)


def cut(values: Tensor, starts: Ints, ends: Ints, axes: Ints | None = None, steps: Ints | None = None) -> Tensor:
    chosen = range(len(starts)) if axes is None else _list(axes)
    strides = [1] * len(starts) if steps is None else _list(steps)
    for axis, start, end, step in zip(chosen, _list(starts), _list(ends), strides, strict=True):
        size = values.shape[axis]  # "from the first" and "to the last" are integers that torch does not take
        part = slice(max(start, -size), min(end, size), step)
        values = values[(slice(None),) * (axis % values.ndim) + (part,)]
    return values


def gather(values: Tensor, places: int | list[int] | Tensor, *, axis: int = 0) -> Tensor:
    chosen = _tensor(places)
    if chosen.ndim == 0:
        return values.select(axis, places if isinstance(places, int) else int(chosen))
    found = values.index_select(axis, chosen.flatten().to(values.device))
    return found.reshape(values.shape[:axis] + chosen.shape + values.shape[axis + 1 :])


def gather_nd(values: Tensor, places: list[Any] | Tensor, *, batch_dims: int = 0) -> Tensor:
    if batch_dims:
        raise ValueError("GatherND with batch_dims")
    return values[tuple(_tensor(places).to(values.device).unbind(-1))]


def constant_of_shape(target: Ints, *, value: Sequence[Any] = (0.0,)) -> Tensor:
    return torch.full(_list(target), value[0])


def number_range(start: Any, limit: Any, step: Any) -> Tensor:
    return torch.arange(*(value.item() if isinstance(value, Tensor) else value for value in (start, limit, step)))


def pad(values: Tensor, sides: Ints, value: float | None = None, axes: None = None, *, mode: str = "constant") -> Tensor:
    found = _list(sides)
    before, after = found[: values.ndim], found[values.ndim :]
    if not any(found):
        return values
    if mode == "constant":
        both = zip(reversed(before), reversed(after), strict=True)
        return F.pad(values, [side for pair in both for side in pair], value=value or 0)
    order = [0, 1, 2, 3] if before[1] == after[1] == 0 else [0, 3, 1, 2]  # of an image, whose channels are last
    (top, left), (bottom, right) = ([sides[axis] for axis in order[2:]] for sides in (before, after))
    padded = F.pad(values.permute(order), (left, right, top, bottom), mode={"edge": "replicate", "reflect": "reflect"}[mode])
    return padded.permute([order.index(axis) for axis in range(4)])


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
        sizes = [math.floor(side * scale) for side, scale in zip(maps.shape, _list(scales), strict=True)]
    if mode == "nearest":
        if (coordinate_transformation_mode, nearest_mode) != ("asymmetric", "floor"):
            raise ValueError(f"Resize to the nearest by {coordinate_transformation_mode} and {nearest_mode}")
        return F.interpolate(maps, _list(sizes)[2:], mode="nearest")
    if coordinate_transformation_mode not in ("half_pixel", "pytorch_half_pixel"):
        raise ValueError(f"Resize by {coordinate_transformation_mode}")
    if mode == "cubic" and cubic_coeff_a != (-0.5 if antialias else -0.75):
        raise ValueError(f"Resize with the coefficient {cubic_coeff_a}")
    return F.interpolate(maps, _list(sizes)[2:], mode=f"bi{mode}", antialias=bool(antialias))


OPERATORS: dict[str, Callable[..., Any]] = {
    "Abs": torch.abs,
    "Add": add,
    "And": torch.logical_and,
    "AveragePool": average_pool,
    "BatchNormalization": batch_normalization,
    "Cast": cast,
    "Clip": clip,
    "Concat": concat,
    "ConstantOfShape": constant_of_shape,
    "Conv": conv,
    "ConvTranspose": conv_transpose,
    "Div": div,
    "Einsum": einsum,
    "Equal": equal,
    "Erf": torch.erf,
    "Exp": torch.exp,
    "Expand": expand,
    "Flatten": flatten,
    "Floor": torch.floor,
    "Gather": gather,
    "GatherND": gather_nd,
    "Gemm": gemm,
    "GlobalAveragePool": global_average_pool,
    "Greater": greater,
    "HardSigmoid": hard_sigmoid,
    "HardSwish": F.hardswish,
    "LayerNormalization": layer_normalization,
    "LeakyRelu": leaky_relu,
    "Less": less,
    "Log": torch.log,
    "MatMul": torch.matmul,
    "Max": largest,
    "MaxPool": max_pool,
    "Min": smallest,
    "Mod": mod,
    "Mul": mul,
    "Neg": torch.neg,
    "Pad": pad,
    "Pow": power,
    "Range": number_range,
    "Reciprocal": torch.reciprocal,
    "ReduceL2": reduce_l2,
    "ReduceMax": reduce_max,
    "ReduceMean": reduce_mean,
    "ReduceMin": reduce_min,
    "ReduceProd": reduce_prod,
    "ReduceSum": reduce_sum,
    "Relu": torch.relu,
    "Reshape": reshape,
    "Resize": resize,
    "Shape": shape,
    "Sigmoid": torch.sigmoid,
    "Sign": torch.sign,
    "Slice": cut,
    "Softmax": softmax,
    "Softplus": softplus,
    "Split": split,
    "Sqrt": torch.sqrt,
    "Squeeze": squeeze,
    "Sub": sub,
    "Tanh": torch.tanh,
    "Transpose": transpose,
    "Unsqueeze": unsqueeze,
    "Where": where,
}

IMMATERIAL: dict[str, Any] = {
    "auto_pad": "NOTSET",
    "exclude_outside": None,
    "extrapolation_value": None,
    "keep_aspect_ratio_policy": "stretch",
    "momentum": None,
    "stash_type": 1,
    "storage_order": 0,
    "training_mode": 0,
}
"""Attributes that change nothing if they have this value; None for any."""
