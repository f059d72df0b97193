"""Operators of exported models that take apart and join tensors; names, inputs and attributes are those of ONNX, opset 18."""

import math
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from noref.lab.torch.values import Ints, Value, as_list, as_tensor


def shape(values: Tensor, *, start: int = 0, end: int | None = None) -> Tensor:
    return torch.tensor(values.shape[start:end])


def reshape(values: Tensor, target: Ints, *, allowzero: int = 0) -> Tensor:
    sides = as_list(target)
    return values.reshape(sides if allowzero else [side or values.shape[axis] for axis, side in enumerate(sides)])


def flatten(values: Tensor, *, axis: int = 1) -> Tensor:
    return values.reshape(math.prod(values.shape[:axis]), -1)


def expand(values: Tensor, target: Ints) -> Tensor:
    return values.expand(torch.broadcast_shapes(values.shape, tuple(as_list(target))))  # type: ignore[no-untyped-call]


def squeeze(values: Tensor, axes: Ints | None = None) -> Tensor:
    return values.squeeze() if axes is None else values.squeeze(tuple(as_list(axes)))


def unsqueeze(values: Value, axes: Ints) -> Tensor:
    found = as_tensor(values)
    rank = found.ndim + len(axes)
    for axis in sorted(axis % rank for axis in as_list(axes)):
        found = found.unsqueeze(axis)
    return found


def transpose(values: Tensor, *, perm: list[int]) -> Tensor:
    return values.permute(perm)


def concat(*values: Value, axis: int) -> Tensor:
    return torch.cat([as_tensor(value) for value in values], axis)


def split(values: Tensor, sizes: Ints | None = None, *, axis: int = 0, num_outputs: int = 0) -> Sequence[Tensor]:
    return torch.split(values, as_list(sizes), axis) if sizes is not None else values.chunk(num_outputs, axis)


def cut(values: Tensor, starts: Ints, ends: Ints, axes: Ints | None = None, steps: Ints | None = None) -> Tensor:
    chosen = range(len(starts)) if axes is None else as_list(axes)
    strides = [1] * len(starts) if steps is None else as_list(steps)
    for axis, start, end, step in zip(chosen, as_list(starts), as_list(ends), strides, strict=True):
        size = values.shape[axis]  # "from the first" and "to the last" are integers that torch does not take
        part = slice(max(start, -size), min(end, size), step)
        values = values[(slice(None),) * (axis % values.ndim) + (part,)]
    return values


def gather(values: Tensor, places: int | list[int] | Tensor, *, axis: int = 0) -> Tensor:
    chosen = as_tensor(places)
    if chosen.ndim == 0:
        return values.select(axis, places if isinstance(places, int) else int(chosen))
    found = values.index_select(axis, chosen.flatten().to(values.device))
    return found.reshape(values.shape[:axis] + chosen.shape + values.shape[axis + 1 :])


def gather_nd(values: Tensor, places: list[Any] | Tensor, *, batch_dims: int = 0) -> Tensor:
    if batch_dims:
        raise ValueError("GatherND with batch_dims")
    return values[tuple(as_tensor(places).to(values.device).unbind(-1))]


def top(values: Tensor, count: Ints, *, axis: int = -1, largest: int = 1, sorted: int = 1) -> tuple[Tensor, Tensor]:  # noqa: A002
    found = torch.topk(values, as_list(count)[0], axis, bool(largest), bool(sorted))
    return found.values, found.indices


def constant_of_shape(target: Ints, *, value: Sequence[Any] = (0.0,)) -> Tensor:
    return torch.full(as_list(target), value[0])


def number_range(start: Any, limit: Any, step: Any) -> Tensor:
    return torch.arange(*(value.item() if isinstance(value, Tensor) else value for value in (start, limit, step)))


def pad(values: Tensor, sides: Ints, value: float | None = None, axes: None = None, *, mode: str = "constant") -> Tensor:
    found = as_list(sides)
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
