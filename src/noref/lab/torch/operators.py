"""The operators of exported models as functions of torch, by name; arithmetic here, the rest in `layers` and `shapes`.

Names, inputs and attributes are those of the ONNX specification (https://onnx.ai/onnx/operators), opset 18.
"""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from noref.lab.torch import layers, shapes
from noref.lab.torch.values import Value, as_tensor, operand


def add(first: Value, second: Value) -> Tensor:
    return operand(first) + operand(second)


def sub(first: Value, second: Value) -> Tensor:
    return operand(first) - operand(second)


def mul(first: Value, second: Value) -> Tensor:
    return operand(first) * operand(second)


def div(first: Value, second: Value) -> Tensor:
    dividend, divisor = as_tensor(first), operand(second)
    if dividend.is_floating_point() or (isinstance(divisor, Tensor) and divisor.is_floating_point()):
        return dividend / divisor
    return torch.div(dividend, divisor, rounding_mode="trunc")


def mod(first: Value, second: Value, *, fmod: int = 0) -> Tensor:
    if fmod:
        raise ValueError("Mod with fmod")
    return torch.remainder(as_tensor(first), operand(second))


def power(base: Value, exponent: Value) -> Tensor:
    return torch.pow(as_tensor(base), operand(exponent))


def largest(first: Value, second: Value) -> Tensor:
    values, bound = (first, second) if isinstance(first, Tensor) else (second, first)
    return torch.clamp(as_tensor(values), min=operand(bound))


def smallest(first: Value, second: Value) -> Tensor:
    values, bound = (first, second) if isinstance(first, Tensor) else (second, first)
    return torch.clamp(as_tensor(values), max=operand(bound))


def clip(values: Tensor, low: Any = None, high: Any = None) -> Tensor:
    if low is None or high is None:
        return torch.clamp(values, low, high)
    return F.hardtanh(values, low, high)  # its gradient is faster


def cast(values: Value, *, to: int) -> Tensor:
    """To another type; double precision stays, so that a network in double precision works."""
    found = as_tensor(values)
    if to in (1, 10) and found.dtype == torch.float64:
        return found
    return found.to({1: torch.float32, 6: torch.int32, 7: torch.int64, 9: torch.bool, 10: torch.float32, 11: torch.float64}[to])


def where(condition: Tensor, first: Value, second: Value) -> Tensor:
    return torch.where(condition, operand(first), operand(second))


def equal(first: Value, second: Value) -> Tensor:
    return as_tensor(first) == operand(second)


def greater(first: Value, second: Value) -> Tensor:
    return as_tensor(first) > operand(second)


def greater_or_equal(first: Value, second: Value) -> Tensor:
    return as_tensor(first) >= operand(second)


def less_or_equal(first: Value, second: Value) -> Tensor:
    return as_tensor(first) <= operand(second)


def less(first: Value, second: Value) -> Tensor:
    return as_tensor(first) < operand(second)


def hard_sigmoid(values: Tensor, *, alpha: float = 0.2, beta: float = 0.5) -> Tensor:
    return (alpha * values + beta).clamp(0, 1)


def leaky_relu(values: Tensor, *, alpha: float = 0.01) -> Tensor:
    return F.leaky_relu(values, alpha)


def prelu(values: Tensor, slope: Value) -> Tensor:
    return torch.where(values > 0, values, operand(slope) * values)


def softmax(values: Tensor, *, axis: int = -1) -> Tensor:
    return values.softmax(axis)


def softplus(values: Tensor) -> Tensor:
    return F.softplus(values)


OPERATORS: dict[str, Callable[..., Any]] = {
    "Abs": torch.abs,
    "Add": add,
    "And": torch.logical_and,
    "AveragePool": layers.average_pool,
    "BatchNormalization": layers.batch_normalization,
    "Cast": cast,
    "Clip": clip,
    "Concat": shapes.concat,
    "ConstantOfShape": shapes.constant_of_shape,
    "Conv": layers.conv,
    "ConvTranspose": layers.conv_transpose,
    "Div": div,
    "Einsum": layers.einsum,
    "Equal": equal,
    "Erf": torch.erf,
    "Exp": torch.exp,
    "Expand": shapes.expand,
    "Flatten": shapes.flatten,
    "Floor": torch.floor,
    "Gather": shapes.gather,
    "GatherND": shapes.gather_nd,
    "Gemm": layers.gemm,
    "GlobalAveragePool": layers.global_average_pool,
    "Greater": greater,
    "GreaterOrEqual": greater_or_equal,
    "HardSigmoid": hard_sigmoid,
    "HardSwish": F.hardswish,
    "LayerNormalization": layers.layer_normalization,
    "LeakyRelu": leaky_relu,
    "Less": less,
    "LessOrEqual": less_or_equal,
    "Log": torch.log,
    "MatMul": torch.matmul,
    "Max": largest,
    "MaxPool": layers.max_pool,
    "Min": smallest,
    "Mod": mod,
    "Mul": mul,
    "Neg": torch.neg,
    "Pad": shapes.pad,
    "Not": torch.logical_not,
    "Or": torch.logical_or,
    "PRelu": prelu,
    "Pow": power,
    "Range": shapes.number_range,
    "Reciprocal": torch.reciprocal,
    "ReduceL2": layers.reduce_l2,
    "ReduceMax": layers.reduce_max,
    "ReduceMean": layers.reduce_mean,
    "ReduceMin": layers.reduce_min,
    "ReduceProd": layers.reduce_prod,
    "ReduceSum": layers.reduce_sum,
    "Relu": torch.relu,
    "Reshape": shapes.reshape,
    "Resize": layers.resize,
    "Shape": shapes.shape,
    "Sigmoid": torch.sigmoid,
    "Sign": torch.sign,
    "Slice": shapes.cut,
    "Softmax": softmax,
    "Softplus": softplus,
    "Split": shapes.split,
    "Sqrt": torch.sqrt,
    "Squeeze": shapes.squeeze,
    "Sub": sub,
    "Tanh": torch.tanh,
    "TopK": shapes.top,
    "Transpose": shapes.transpose,
    "Unsqueeze": shapes.unsqueeze,
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
