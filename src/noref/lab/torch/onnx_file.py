"""Reads the graph of an .onnx file, which is a protocol buffer, without the package onnx.

It covers what `noref.lab.export` writes: one graph without subgraphs, its weights inside the file. Numbers of fields and types
are those of onnx.proto (https://github.com/onnx/onnx, version 1.17), the encoding that of
https://protobuf.dev/programming-guides/encoding.
"""

import struct
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Field = int | memoryview  # a varint, or bytes

_DTYPES: dict[int, type[np.generic]] = {1: np.float32, 6: np.int32, 7: np.int64, 9: np.bool_, 10: np.float16, 11: np.float64}
_PACKED = {4: "<f4", 10: "<f8"}  # fields of a tensor that hold floats


class Node(NamedTuple):
    """One operator of a graph.

    Attributes:
        operator: Its name, such as "Conv".
        inputs, outputs: Names of values; "" where an optional one is left out.
        attributes: Numbers, texts, arrays, and lists of numbers.
    """

    operator: str
    inputs: list[str]
    outputs: list[str]
    attributes: dict[str, Any]


class Graph(NamedTuple):
    """What a model computes.

    Attributes:
        nodes: In the order of execution.
        constants: Weights and other constants by name.
        inputs: Names of the inputs, those with a default included.
        outputs: Names of the outputs.
    """

    nodes: list[Node]
    constants: dict[str, Array]
    inputs: list[str]
    outputs: list[str]


def read(content: bytes) -> Graph:
    """The graph of a file.

    Raises:
        ValueError: The content is no ONNX model, or uses what `noref.lab.export` does not write.
    """
    try:
        graphs = [value for number, value in _fields(memoryview(content)) if number == 7]
        return _graph(graphs[0])
    except (IndexError, KeyError, TypeError, UnicodeDecodeError, struct.error) as error:
        raise ValueError(f"no ONNX model, or one that noref did not export ({type(error).__name__}: {error})") from error


def _fields(message: Any) -> Iterator[tuple[int, Any]]:
    """Numbers and values of the fields of a message, in order."""
    place = 0
    while place < len(message):
        key, place = _varint(message, place)
        number, kind = key >> 3, key & 7
        if kind == 0:
            value, place = _varint(message, place)
            yield number, value
            continue
        size = {1: 8, 5: 4}.get(kind)
        if size is None:
            if kind != 2:
                raise ValueError(f"no ONNX model: a field of wire type {kind}")
            size, place = _varint(message, place)
        if place + size > len(message):
            raise ValueError("no ONNX model: it ends within a field")
        yield number, message[place : place + size]
        place += size


def _varint(message: memoryview, place: int) -> tuple[int, int]:
    """A number, and the place behind it; negative ones are stored as two's complement of 64 bits."""
    value = shift = 0
    while True:
        byte = message[place]
        value |= (byte & 127) << shift
        place, shift = place + 1, shift + 7
        if byte < 128:
            return value - (value >> 63 << 64), place


def _ints(value: Field) -> list[int]:
    """Values of a repeated field, packed or single."""
    if isinstance(value, int):
        return [value]
    found, place = [], 0
    while place < len(value):
        number, place = _varint(value, place)
        found.append(number)
    return found


def _floats(value: memoryview) -> list[float]:
    return np.frombuffer(value, "<f4").tolist()


def _text(value: memoryview) -> str:
    return bytes(value).decode()


def _graph(message: Any) -> Graph:
    graph = Graph([], {}, [], [])
    for number, value in _fields(message):
        if number == 1:
            graph.nodes.append(_node(value))
        elif number == 5:
            name, values = _tensor(value)
            graph.constants[name] = values
        elif number in (11, 12):
            names = graph.inputs if number == 11 else graph.outputs
            names.extend(_text(text) for field, text in _fields(value) if field == 1)
    return graph


def _node(message: Any) -> Node:
    node = Node(_text(next(value for number, value in _fields(message) if number == 4)), [], [], {})
    for number, value in _fields(message):
        if number in (1, 2):
            (node.inputs if number == 1 else node.outputs).append(_text(value))
        elif number == 5:
            name, content = _attribute(value)
            node.attributes[name] = content
    return node


def _attribute(message: Any) -> tuple[str, Any]:
    name = ""
    content: Any = None
    many: list[float] = []
    for number, value in _fields(message):
        if number == 1:
            name = _text(value)
        elif number == 2:
            content = _floats(value)[0]
        elif number == 3:
            content = value
        elif number == 4:
            content = _text(value)
        elif number == 5:
            content = _tensor(value)[1]
        elif number in (7, 8):
            many.extend(_floats(value) if number == 7 else _ints(value))
        elif number in (6, 9, 10, 11):
            raise ValueError(f"the attribute {name} holds graphs or texts, which noref does not export")
    return name, many if content is None else content


def _tensor(message: Any) -> tuple[str, Array]:
    shape: list[int] = []
    name = ""
    dtype: np.dtype[Any] = np.dtype(np.float32)
    parts: list[Array] = []
    for number, value in sorted(_fields(message), key=lambda field: field[0]):  # the type before the values
        if number == 1:
            shape.extend(_ints(value))
        elif number == 2:
            dtype = np.dtype(_DTYPES[value])
        elif number in _PACKED:
            parts.append(np.frombuffer(value, _PACKED[number]))
        elif number in (5, 7):
            parts.append(np.array(_ints(value), np.int64))
        elif number == 8:
            name = _text(value)
        elif number == 9:
            parts.append(np.frombuffer(value, dtype.newbyteorder("<")))
        elif number in (13, 14):
            raise ValueError(f"the values of {name} are in another file")
    values: Array = np.concatenate(parts) if parts else np.empty(0, dtype)
    if dtype == np.float16 and values.dtype.kind == "i":  # the bits of each value
        values = values.astype(np.uint16).view(np.float16)
    return name, values.astype(dtype).reshape(shape)
