"""The size policy: how a photo of any size becomes the pixels that a network receives.

It is written once, as ONNX operators. Export puts them in front of the network; the laboratory runs the same operators when it
trains and validates, also where only the working size of a photo is needed. So what was validated is what runs.
"""

import functools
import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import onnx
import onnx.parser
import onnxruntime

from noref import images
from noref.errors import ImageTooSmall
from noref.images import MAX_ASPECT
from noref.lab.settings import PathText, Positive, settings

OPSET = 18  # the first with Resize(antialias)
IR_VERSION = 9

_TARGET = """
    exact = Cast<to = 1>(sides)
    count = ReduceProd<keepdims = 0>(exact)
    short = ReduceMin<keepdims = 0>(exact)
    area_ratio = Div(area, count)
    by_area = Sqrt(area_ratio)
    by_side = Div(shortest, short)
    wished = Max(by_area, by_side)
    scale = Min(wished, one)
    scaled = Mul(exact, scale)
    raised = Add(scaled, half)
    whole = Floor(raised)
    target = Cast<to = 7>(whole)
"""
_COMMON_TARGET = """
    exact = Cast<to = 1>(sides)
    count = ReduceProd<keepdims = 0>(exact)
    area_ratio = Div(area, count)
    scale = Sqrt(area_ratio)
    scaled = Mul(exact, scale)
    cells = Div(scaled, cell)
    raised = Add(cells, half)
    nearest = Floor(raised)
    whole = Max(nearest, one)
    rounded = Mul(whole, cell)
    target = Cast<to = 7>(rounded)
"""
_PAD = """
    over = Mod(target, multiple)
    missing = Sub(multiple, over)
    pad = Mod(missing, multiple)
"""


@dataclass(frozen=True)
class WorkingSize:
    """How large a photo is when a network reads it.

    By default, photos of more than `area` pixels are shrunk to it, aspect kept; smaller ones are left as they are, never
    enlarged. With `fixed`, every photo is brought to `area`, small ones enlarged.

    Attributes:
        area: Pixels at most (a narrow photo may keep more, so that its short side stays at `shortest`); with `fixed`, of every
            photo.
        shortest: Pixels on the short side below which a photo is refused.
        multiple: Both sides become multiples of this: the right and bottom edges are repeated; with `fixed`, each side is
            rounded to the nearest multiple, at least one, which changes the aspect a little.
        fixed: Bring every photo to `area`.
    """

    area: int = 512 * 768
    shortest: int = 64
    multiple: int = 4
    fixed: bool = False

    @property
    def least(self) -> int:
        """Pixels on the short side of the smallest working image."""
        if not self.fixed:
            return -(-self.shortest // self.multiple) * self.multiple
        narrowest = min(self.shortest, math.sqrt(self.area / MAX_ASPECT))
        return max(1, math.floor(narrowest / self.multiple + 0.5)) * self.multiple

    def describe(self) -> str:
        """The policy in words, for cards and results."""
        limit = f"{self.area / 1e6:.2f} MP"
        if self.fixed:
            return (
                f"every photo is scored at {limit}: larger ones are shrunk, smaller ones enlarged (bicubic, antialiased, sides "
                f"rounded to multiples of {self.multiple} pixels)"
            )
        # The area alone would leave too short a side of the narrowest photos.
        side = f", their short side to no less than {self.shortest} pixels" if self.shortest**2 * MAX_ASPECT > self.area else ""
        return f"photos above {limit} are shrunk to that{side} (antialiased, aspect kept); others are scored as they are"

    def graph(self) -> onnx.ModelProto:
        """ONNX: `pixels` (uint8, 1 x H x W x 3) to `working` (uint8, 1 x H' x W' x 3).

        With `fixed`, `area` (float) is a second input whose default is the area of the policy.
        """
        return self._common_graph() if self.fixed else self._shrinking_graph()

    def _common_graph(self) -> onnx.ModelProto:
        # The kernel is Pillow's; like Pillow, onnxruntime clips the overshoot at edges to 0 and 255.
        return onnx.parser.parse_model(f"""
            <ir_version: {IR_VERSION}, opset_import: ["" : {OPSET}]>
            working_size (uint8[1, H, W, 3] pixels, float area = {{{float(self.area)}}}) => (uint8[1, h, w, 3] working)
            <int64[1] from_side = {{1}}, int64[1] to_side = {{3}}, int64[1] one_size = {{1}}, int64[1] three = {{3}},
             {self._common_constants()}>
            {{
                shape = Shape(pixels)
                sides = Slice(shape, from_side, to_side)
                {_COMMON_TARGET}
                sizes = Concat<axis = 0>(one_size, target, three)
                working = Resize<mode = "cubic", cubic_coeff_a = -0.5, antialias = 1,
                                 coordinate_transformation_mode = "half_pixel">(pixels, , , sizes)
            }}
        """)

    def _shrinking_graph(self) -> onnx.ModelProto:
        return onnx.parser.parse_model(f"""
            <ir_version: {IR_VERSION}, opset_import: ["" : {OPSET}]>
            working_size (uint8[1, H, W, 3] pixels) => (uint8[1, h, w, 3] working)
            <int64[1] from_side = {{1}}, int64[1] to_side = {{3}}, int64[1] one_size = {{1}}, int64[1] three = {{3}},
             int64[4] no_pad = {{0, 0, 0, 0}}, int64[1] zero = {{0}}, {self._constants()}>
            {{
                shape = Shape(pixels)
                sides = Slice(shape, from_side, to_side)
                {_TARGET}
                sizes = Concat<axis = 0>(one_size, target, three)
                resized = Resize<mode = "linear", antialias = 1, coordinate_transformation_mode = "half_pixel">
                    (pixels, , , sizes)
                {_PAD}
                pads = Concat<axis = 0>(no_pad, zero, pad, zero)
                working = Pad<mode = "edge">(resized, pads)
            }}
        """)

    def shape_graph(self) -> onnx.ModelProto:
        """ONNX: `sides` of a photo (int64, height and width) to those at working size."""
        constants, sides = self._constants(), f"{_TARGET} {_PAD} working = Add(target, pad)"
        if self.fixed:
            constants = f"float area = {{{float(self.area)}}}, {self._common_constants()}"
            sides = f"{_COMMON_TARGET} working = Identity(target)"
        return onnx.parser.parse_model(f"""
            <ir_version: {IR_VERSION}, opset_import: ["" : {OPSET}]>
            working_shape (int64[2] sides) => (int64[2] working)
            <{constants}>
            {{ {sides} }}
        """)

    def _common_constants(self) -> str:
        return f"float cell = {{{float(self.multiple)}}}, float one = {{1}}, float half = {{0.5}}"

    def _constants(self) -> str:
        return (
            f"int64[1] multiple = {{{self.multiple}}}, float one = {{1}}, float half = {{0.5}}, "
            f"float area = {{{float(self.area)}}}, float shortest = {{{float(self.shortest)}}}"
        )

    def check(self, name: str, width: int, height: int) -> None:
        """Refuse a photo that is too small.

        Raises:
            ImageTooSmall: Its short side is below `shortest`.
        """
        if min(width, height) < self.shortest:
            raise ImageTooSmall(
                name,
                f"{width} x {height} pixels",
                f"at least {self.shortest} on each side are needed; take it out, or lower that limit in the recipe",
            )

    def shape(self, width: int, height: int) -> tuple[int, int]:
        """Height and width at working size of a photo of that width and height."""
        (working,) = _shape_session(self).run(None, {"sides": np.array([height, width])})
        rows, columns = working.tolist()
        return rows, columns

    def apply(self, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """Pixels (uint8, H x W x 3) as a network receives them (uint8, H' x W' x 3)."""
        (working,) = _session(self).run(None, {"pixels": pixels[None]})
        found: npt.NDArray[np.uint8] = working[0]
        return found


def working_pixels(source: images.Source, size: WorkingSize) -> npt.NDArray[np.uint8]:
    """Decode a photo and bring it to working size, uint8 H x W x 3.

    Raises:
        ImageError: It cannot be read, or is smaller than the policy allows.
    """
    photo = images.read(source)
    size.check(photo.name, *photo.size)
    return size.apply(photo.pixels)


@settings
class SizeConfig:
    """Which sizes a network works at."""

    area: Positive = 512 * 768
    """Pixels above which an image is shrunk, aspect kept; with `fixed`, pixels of every image."""
    shortest: Positive = 64
    """Pixels on the short side below which an image is refused."""
    fixed: bool = False
    """Bring every image to `area`, small ones enlarged."""

    def working_size(self, multiple: int) -> WorkingSize:
        """The size policy, with sides that are multiples of `multiple` pixels."""
        return WorkingSize(self.area, self.shortest, multiple, self.fixed)


@settings
class AreaConfig:
    """How images reach a network that reads crops of a fixed side, and where its features are kept."""

    area: Positive = 512 * 768
    """Pixels above which an image is shrunk, but not below the side of crops."""
    cache: PathText | None = None
    """Folder of the feature cache; null for none."""


@settings
class DataConfig(SizeConfig):
    """How images reach a network, in training and after it."""

    crop: Positive | None = None
    """Side of the training windows in pixels; null for whole images. Validation and prediction use whole images."""
    cache: PathText | None = None
    """Folder that keeps features of whole images; null for none."""


@functools.lru_cache
def _session(policy: WorkingSize) -> onnxruntime.InferenceSession:
    return _started(policy.graph())


@functools.lru_cache
def _shape_session(policy: WorkingSize) -> onnxruntime.InferenceSession:
    return _started(policy.shape_graph())


def _started(graph: onnx.ModelProto) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3  # errors: it warns of an input that has a default
    return onnxruntime.InferenceSession(graph.SerializeToString(), options, providers=["CPUExecutionProvider"])
