"""Settings: nested frozen dataclasses, validated by pydantic, for recipes and the command line.

Examples:
    >>> @settings
    ... class Schedule:
    ...     epochs: Positive = 20
    >>> @settings
    ... class Example:
    ...     schedule: Schedule = Schedule(epochs=5)
    >>> changed(Example(), {"schedule": {"epochs": 7}})
    Example(schedule=Schedule(epochs=7))
    >>> next(listed(Example))
    Setting(name='schedule.epochs', type='int', default=5, doc='')
"""

import difflib
import inspect
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any, NamedTuple, TypeVar, get_type_hints

from pydantic import BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass, is_pydantic_dataclass
from typing_extensions import dataclass_transform

from noref.lab.errors import LabError
from noref.lab.lookup import lookup

T = TypeVar("T")

Positive = Annotated[int, Field(ge=1)]
NotNegative = Annotated[int, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Rate = Annotated[float, Field(ge=0)]
PathText = Annotated[str, BeforeValidator(lambda value: str(value) if isinstance(value, Path) else value)]
Channels = tuple[float, float, float]

_CONFIG = ConfigDict(strict=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)


class Setting(NamedTuple):
    """An entry of the list of settings: dotted name, type, default and documentation."""

    name: str
    type: str
    default: Any
    doc: str


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(Field,))
def settings(kind: type[T]) -> type[T]:
    """Make a class a group of settings: a frozen dataclass with keyword arguments and checked values.

    Every field needs a default. The string literal below a field documents it. A field can be another group.
    """
    made: Any = dataclass(frozen=True, kw_only=True, config=_CONFIG)(kind)
    return made


def listed(kind: type[Any]) -> Iterator[Setting]:
    """All settings of a group, those of nested groups by dotted names."""
    yield from _listed(kind())


def changed(group: T, values: Mapping[str, Any], what: str = "this method") -> T:
    """A group of settings with some values replaced.

    Args:
        group: Settings.
        values: New values as nested mappings, as in JSON or YAML; other settings are unchanged.
        what: The owner of the settings, for messages.

    Raises:
        LabError: There is no such setting (the message suggests similar names), or a value has the wrong type or range.
    """
    known = [setting.name for setting in _listed(group)]
    content = _overlaid(group, values, what, known)
    try:
        return TypeAdapter(type(group)).validate_json(json.dumps(content, default=str))
    except ValidationError as error:
        raise LabError(_described(error, known)) from error


def dump(group: Any) -> dict[str, Any]:
    """The settings of a group as nested mappings that JSON and YAML can hold; `changed` reads them."""
    content: dict[str, Any] = TypeAdapter(type(group)).dump_python(group, mode="json")
    return content


def nested(dotted: Mapping[str, Any]) -> dict[str, Any]:
    """Convert dotted names to nested mappings: {"a.b": 1} to {"a": {"b": 1}}."""
    found: dict[str, Any] = {}
    for name, value in dotted.items():
        *groups, last = name.split(".")
        place = found
        for group in groups:
            place = place.setdefault(group, {})
        place[last] = value
    return found


def _listed(group: Any, prefix: str = "") -> Iterator[Setting]:
    kind = type(group)
    hints = get_type_hints(kind)
    for field in fields(kind):
        name, value = f"{prefix}{field.name}", getattr(group, field.name)
        if _is_group(value):
            yield from _listed(value, f"{name}.")
        else:
            text = re.sub(r"Optional\[(.*)\]", r"\1 | None", inspect.formatannotation(hints[field.name]).replace("typing.", ""))
            yield Setting(name, text, value, _doc(kind, field.name))


def _doc(kind: type[Any], name: str) -> str:
    """The documentation of a field; inherited fields inherit theirs."""
    declared: list[dict[str, Any]] = [getattr(base, "__pydantic_fields__", {}) for base in kind.__mro__]
    return next((members[name].description for members in declared if name in members and members[name].description), "")


def _is_group(value: Any) -> bool:
    return is_pydantic_dataclass(type(value))


def _overlaid(group: Any, values: Mapping[str, Any], what: str, known: list[str], prefix: str = "") -> dict[str, Any]:
    content, members = dump(group), {field.name: getattr(group, field.name) for field in fields(group)}
    for name, value in values.items():
        dotted = f"{prefix}{name}"
        if name not in members:
            _refuse(dotted, what, known)
        if not _is_group(members[name]):
            content[name] = value
        elif isinstance(value, Mapping):
            content[name] = _overlaid(members[name], value, what, known, f"{dotted}.")
        else:
            inside = ", ".join(one for one in known if one.startswith(f"{dotted}."))
            raise LabError(f"{dotted} is a group of settings ({inside}) and cannot be {value!r}")
    return content


def _refuse(name: str, what: str, known: list[str]) -> None:
    """Raise the error of an unknown setting; for a name without its group, suggest the full name."""
    last = {dotted: dotted.rpartition(".")[2] for dotted in known}
    given = name.rpartition(".")[2]
    near = [given] if given in last.values() else difflib.get_close_matches(given, set(last.values()), n=3)
    if near and (given in near or "." not in name):
        meant = " or ".join(dotted for dotted in known if last[dotted] in near)
        raise LabError(f"no setting of {what} is called {name!r}; did you mean {meant}?")
    lookup(f"setting of {what}", name, dict.fromkeys(known))


def _described(error: ValidationError, known: list[str]) -> str:
    first = error.errors(include_url=False)[0]
    parts = [str(part) for part in first["loc"]]
    name = next((dotted for end in range(len(parts), 0, -1) if (dotted := ".".join(parts[:end])) in known), ".".join(parts))
    return f"{name}: {first['msg']}, not {first['input']!r}".replace(": Input should be", " must be")
