"""The registry of methods: declared by a decorator, looked up by name."""

from collections.abc import Callable
from typing import Any, TypeVar

from noref.lab.methods.base import Method

M = TypeVar("M", bound=type[Method[Any]])

REGISTRY: dict[str, type[Method[Any]]] = {}


def register(name: str) -> Callable[[M], M]:
    """Class decorator: register a method under the name that recipes use.

    Raises:
        ValueError: Another class has that name.
    """

    def add(method: M) -> M:
        if REGISTRY.setdefault(name, method) is not method:
            raise ValueError(f"two methods are called {name}")
        method.name = name
        return method

    return add
