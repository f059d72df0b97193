"""What operators take: tensors, or the numbers and lists of integers that stand for small constants.

Tensors of integers hold shapes and places; they stay on the processor, wherever the photos are.
"""

from collections.abc import Sequence
from typing import Any, TypeAlias

import torch
from torch import Tensor

Ints: TypeAlias = Sequence[int] | Tensor
Value: TypeAlias = Tensor | float | Sequence[Any]


def as_list(values: Any) -> list[Any]:
    """Elements of a list or tensor."""
    return values.tolist() if isinstance(values, Tensor) else list(values)


def as_tensor(value: Value) -> Tensor:
    """A tensor, number or list as a tensor."""
    return value if isinstance(value, Tensor) else torch.tensor(value)


def operand(value: Value) -> Any:
    """What arithmetic of torch takes: a tensor or a number."""
    return value if isinstance(value, (Tensor, int, float)) else torch.tensor(value)
