"""Settings of methods, as recipes and the command line give them, held against the signature of the method."""

import inspect
from collections.abc import Mapping, Sequence
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from noref.lab.errors import LabError
from noref.lab.lookup import lookup

_NOT_ZERO = ("accumulate", "area", "batch", "copies", "draws", "axes", "nodes", "short_side", "shortest", "side")


def check(name: str, method: type[Any], params: Mapping[str, Any]) -> None:
    """Check that a method has these settings, and that their values are of the annotated types and not below the least.

    Args:
        name: Of the method.
        method: Its class; the arguments of its `__init__` are the settings.
        params: Setting -> value.

    Raises:
        LabError: It lacks one of them (the message suggests near names), or a value is not possible.
    """
    hints = get_type_hints(method.__init__)
    known = {key: hints[key] for key in inspect.signature(method).parameters}
    for key, value in params.items():
        hint = lookup(f"setting of {name}", key, known)
        if not fits(value, hint):
            raise LabError(f"{key} must be {_shown(hint)}, not {value!r}")
        least = int(key.removeprefix("stage1_").removeprefix("stage2_").removeprefix("finetune_") in _NOT_ZERO)
        if isinstance(value, (int, float)) and value < least and key != "devices":  # -1 devices are all of them
            raise LabError(f"{key} must be at least {least}, not {value!r}")


def fits(value: Any, hint: Any) -> bool:
    """Whether a value, as YAML gives it, is of the annotated type; a whole number is also a float, and a text also a path."""
    kinds, origin = get_args(hint), get_origin(hint)
    if origin in (Union, UnionType):
        return any(fits(value, kind) for kind in kinds)
    if origin is Sequence:
        return isinstance(value, (list, tuple)) and all(fits(item, kinds[0]) for item in value)
    if origin in (Mapping, dict):
        return isinstance(value, dict) and all(fits(key, kinds[0]) and fits(item, kinds[1]) for key, item in value.items())
    if origin is Literal:
        return value in kinds
    if hint is Any or isinstance(value, bool):
        return hint in (Any, bool)
    return isinstance(value, (int, float) if hint is float else hint)


def _shown(hint: Any) -> str:
    text = inspect.formatannotation(hint)
    for module in ("collections.abc.", "pathlib.", "typing."):
        text = text.replace(module, "")
    return text
