"""An exported model as a torch module that is differentiable with respect to the photos."""

import inspect
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, fx, nn

from noref.lab.torch.onnx_file import Graph, Node
from noref.lab.torch.operators import IMMATERIAL, OPERATORS
from noref.lab.torch.resizing import clipped, resize_photo

PIXELS, AREA, SCORE = "pixels", "area", "score"
UNCLIPPED = "unclipped score"  # an output of every model that has a score: before it is clipped to 0 to 100
_PROBE = 64  # shortest side of the photos that batches are tried with, in pixels
_RESIZE = {"antialias": 1, "coordinate_transformation_mode": "half_pixel"}  # attributes of the size policies


class ExportedNetwork(nn.Module):
    """The graph of an exported model. Its weights are buffers that `state_dict` leaves out.

    The graph is translated to functions of torch, in parts. One computes the size at which a photo is scored from its height
    and width; it runs on the processor, in single precision, as in onnxruntime. The others compute outputs from the photo and
    that size: the score alone, or everything.

    The graph was exported for one photo. Most work for a batch as they are; others are vectorised by `torch.func.vmap`.

    Args:
        graph: Of a file that `noref.lab.export` wrote.
        shortest: Pixels on the short side that a photo needs.

    Raises:
        ValueError: The graph has an operator, or an attribute of one, that is not supported.
    """

    def __init__(self, graph: Graph, shortest: int) -> None:
        super().__init__()
        constants = {name: torch.from_numpy(values.copy()) for name, values in graph.constants.items()}
        self.area = float(constants.pop(AREA)) if AREA in graph.inputs else None
        nodes = _folded(graph.nodes, constants)
        computed = _computed_from_the_size(nodes, constants)
        self._sizing_nodes = [node for node in nodes if computed.issuperset(node.outputs)]
        self._nodes = [node for node in nodes if not computed.issuperset(node.outputs)]
        self._size_names = sorted(computed & {name for node in self._nodes for name in node.inputs})
        weights = _weights(self._nodes, constants)
        used = {name for node in nodes for name in node.inputs}
        self._literals = {name: constants[name].tolist() for name in used & constants.keys() - weights}
        self.outputs = {name: name for name in graph.outputs} | _unclipped(self._nodes)
        for name in weights:
            self.register_buffer(_identifier(name), constants[name], persistent=False)
        self._translate()
        self._batched = True
        self._batched = self._works_for_batches(max(shortest, _PROBE))

    def _translate(self) -> None:
        score = {name: value for name, value in self.outputs.items() if name in (SCORE, UNCLIPPED)}
        self._sizing = _translated(self._sizing_nodes, self._literals, [AREA], {name: name for name in self._size_names})
        self._scores = _translated(self._nodes, self._literals, self._size_names, score)
        self._everything = _translated(self._nodes, self._literals, self._size_names, self.outputs)

    def __getstate__(self) -> dict[str, Any]:  # translated parts cannot be pickled
        return {**self.__dict__, "_modules": {}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)  # type: ignore[no-untyped-call]
        self._translate()

    def forward(self, pixels: Tensor, *, everything: bool = False, native: bool = False) -> dict[str, Tensor]:
        """Outputs for photos.

        Args:
            pixels: N x 3 x H x W, of the type and on the device of the weights, values 0 to 1; others are clipped.
            everything: All outputs instead of the score, clipped and unclipped.
            native: Do not enlarge photos.
        """
        part = (self._everything if everything else self._scores).forward  # `__call__` of these modules prints errors
        photos, weights = 255 * clipped(pixels, 0, 1).permute(0, 2, 3, 1), dict(self.named_buffers())
        height, width = (range(side).stop for side in pixels.shape[2:])  # makes torch.compile take each size as constant
        sizes = self.sizes(height, width, native)
        if self._batched:
            return part(photos, weights, *sizes)
        found = torch.func.vmap(lambda photo: part(photo, weights, *sizes))(photos[:, None])
        return {name: values[:, 0] for name, values in found.items()}

    @torch.compiler.assume_constant_result  # type: ignore[untyped-decorator]
    def sizes(self, height: int, width: int, native: bool) -> list[Any]:
        """What the network takes of the size at which a photo is scored."""
        area = min(self.area, height * width) if self.area and native else self.area
        found = self._sizing.forward(torch.empty(1, height, width, 3, device="meta"), {}, area)
        return [values.tolist() for values in found.values()]

    @torch.no_grad()
    def _works_for_batches(self, side: int) -> bool:
        """Whether photos of a batch get the results that they get alone."""
        photos = torch.rand(2, 3, side, side + 32, generator=torch.Generator().manual_seed(0))
        alone = [self(photo[None], everything=True, native=True) for photo in photos]
        try:
            together = self(photos, everything=True, native=True)
            parts = ((values, torch.cat([one[name] for one in alone])) for name, values in together.items())
            return all(
                found.shape == expected.shape and torch.allclose(found, expected, 1e-4, 1e-3) for found, expected in parts
            )
        except (IndexError, RuntimeError, ValueError):
            return False


def _folded(nodes: Sequence[Node], constants: dict[str, Tensor]) -> list[Node]:
    """The nodes that depend on the photo; the results of the others are added to the constants."""
    remaining = []
    for node in nodes:
        if any(name and name not in constants for name in node.inputs):
            remaining.append(node)
            continue
        function, attributes = _function(node)
        found = function(*(constants[name] if name else None for name in node.inputs), **attributes)
        results = [found] if isinstance(found, Tensor) else found
        constants.update(zip(node.outputs, results, strict=True))
    return remaining


def _computed_from_the_size(nodes: Sequence[Node], constants: Mapping[str, Tensor]) -> set[str]:
    """Names of the values that depend on the height and width of the photo only."""
    found: set[str] = set()
    for node in nodes:
        of_pixels = node.operator == "Shape" and node.inputs == [PIXELS]
        if of_pixels or all(name in found or name in constants or name in ("", AREA) for name in node.inputs):
            found.update(node.outputs)
    return found


def _unclipped(nodes: Sequence[Node]) -> dict[str, str]:
    """The name of the value that is clipped to the score, where there is a score."""
    last = next((node for node in nodes if SCORE in node.outputs), None)
    return {} if last is None else {UNCLIPPED: last.inputs[0] if last.operator == "Clip" else SCORE}


def _weights(nodes: Sequence[Node], constants: Mapping[str, Tensor]) -> set[str]:
    """Names of the constants that are kept as tensors: arrays of floats, scales excepted."""
    scales = {node.inputs[2] for node in nodes if node.operator == "Resize" and len(node.inputs) > 2}
    used = {name for node in nodes for name in node.inputs} - scales
    return {name for name in used & constants.keys() if constants[name].is_floating_point() and constants[name].ndim}


def _translated(
    nodes: Sequence[Node], literals: Mapping[str, Any], inputs: Sequence[str], outputs: Mapping[str, str]
) -> fx.GraphModule:
    """Nodes as a module that takes the pixels, a mapping of the weights, and further inputs.

    Args:
        nodes: In the order of execution.
        literals: Constants that become part of the code.
        inputs: Names of the further inputs.
        outputs: Names of the values that the module returns, by their keys.
    """
    graph = fx.Graph()
    values: dict[str, Any] = {"": None, **literals, PIXELS: graph.placeholder(PIXELS)}
    weights = graph.placeholder("weights")
    values |= {name: graph.placeholder(_identifier(name)) for name in inputs}
    for node in nodes:
        for name in node.inputs:
            if name not in values:
                values[name] = graph.call_function(operator.getitem, (weights, _identifier(name)))
        function, attributes = _function(node)
        found = graph.call_function(function, tuple(values[name] for name in node.inputs), attributes)
        if len(node.outputs) == 1:
            values[node.outputs[0]] = found
        else:
            values |= {name: graph.call_function(operator.getitem, (found, place)) for place, name in enumerate(node.outputs)}
    graph.output({key: values[name] for key, name in outputs.items()})
    graph.eliminate_dead_code()
    return fx.GraphModule(nn.Module(), graph)


def _function(node: Node) -> tuple[Callable[..., Any], dict[str, Any]]:
    """The function of a node and the attributes that it takes."""
    plain = {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in node.attributes.items()}
    attributes = {name: value for name, value in plain.items() if IMMATERIAL.get(name, ...) not in (value, None)}
    if node.operator == "Resize" and node.inputs[0] == PIXELS:
        mode = attributes.pop("mode")
        if attributes != _RESIZE | ({"cubic_coeff_a": -0.5} if mode == "cubic" else {}):
            raise ValueError(f"Resize of the photo with {attributes}")
        return resize_photo, {"mode": mode}
    function = OPERATORS.get(node.operator)
    if function is None:
        raise ValueError(f"the operator {node.operator}")
    if attributes:
        try:
            inspect.signature(function).bind(*node.inputs, **attributes)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{node.operator} with {attributes}") from error
    return function, attributes


def _identifier(name: str) -> str:
    return name.replace(".", "_")
