"""The size policy: how a photo of any size becomes the pixels that a network sees.

It is written once, as ONNX operators. Export puts them in front of the network; the laboratory runs the same operators when it
trains and validates. So what was validated is what runs.
"""

import functools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import onnx
import onnx.parser
import onnxruntime

from noref.images import MAX_ASPECT
from noref.lab.settings import PathText, Positive, settings

OPSET = 18  # the first with Resize(antialias)
IR_VERSION = 9


@dataclass(frozen=True)
class WorkingSize:
    """Photos of more than `area` pixels are shrunk to it, aspect kept; smaller ones are left as they are, never enlarged.

    Attributes:
        area: Pixels at most (a narrow photo may keep more, so that its short side stays at `shortest`).
        shortest: Pixels on the short side below which a photo is refused.
        multiple: Right and bottom edges are repeated until both sides are multiples of this.
    """

    area: int = 512 * 768
    shortest: int = 64
    multiple: int = 4

    def describe(self) -> str:
        """The policy in words, for cards and results."""
        limit = f"{self.area / 1e6:.2f} MP"
        # The area alone would leave too short a side of the narrowest photos.
        side = f", their short side to no less than {self.shortest} pixels" if self.shortest**2 * MAX_ASPECT > self.area else ""
        return f"photos above {limit} are shrunk to that{side} (antialiased, aspect kept); others are scored as they are"

    def graph(self) -> onnx.ModelProto:
        """ONNX: `pixels` (uint8, 1 x H x W x 3) to `working` (uint8, 1 x H' x W' x 3)."""
        return onnx.parser.parse_model(f"""
            <ir_version: {IR_VERSION}, opset_import: ["" : {OPSET}]>
            working_size (uint8[1, H, W, 3] pixels) => (uint8[1, h, w, 3] working)
            <int64[1] from_side = {{1}}, int64[1] to_side = {{3}}, int64[1] one_size = {{1}}, int64[1] three = {{3}},
             int64[4] no_pad = {{0, 0, 0, 0}}, int64[1] zero = {{0}}, int64[1] multiple = {{{self.multiple}}},
             float one = {{1}}, float half = {{0.5}}, float area = {{{float(self.area)}}},
             float shortest = {{{float(self.shortest)}}}>
            {{
                shape = Shape(pixels)
                sides = Slice(shape, from_side, to_side)
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
                sizes = Concat<axis = 0>(one_size, target, three)
                resized = Resize<mode = "linear", antialias = 1, coordinate_transformation_mode = "half_pixel">
                    (pixels, , , sizes)
                over = Mod(target, multiple)
                missing = Sub(multiple, over)
                pad = Mod(missing, multiple)
                pads = Concat<axis = 0>(no_pad, zero, pad, zero)
                working = Pad<mode = "edge">(resized, pads)
            }}
        """)

    def apply(self, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """Pixels (uint8, H x W x 3) as a network sees them (uint8, H' x W' x 3)."""
        (working,) = _session(self).run(None, {"pixels": pixels[None]})
        found: npt.NDArray[np.uint8] = working[0]
        return found


@settings
class SizeConfig:
    """Which sizes a network works at."""

    area: Positive = 512 * 768
    """Pixels above which an image is shrunk, aspect kept."""
    shortest: Positive = 64
    """Pixels on the short side below which an image is refused."""

    def working_size(self, multiple: int) -> WorkingSize:
        """The size policy, with sides padded to multiples of `multiple` pixels."""
        return WorkingSize(self.area, self.shortest, multiple)


@settings
class DataConfig(SizeConfig):
    """How images reach a network, in training and after it."""

    crop: Positive | None = None
    """Side of the training windows in pixels; null for whole images. Validation and prediction use whole images."""
    cache: PathText | None = None
    """Folder that keeps features of whole images; null for none."""


@functools.lru_cache
def _session(policy: WorkingSize) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(policy.graph().SerializeToString(), options, providers=["CPUExecutionProvider"])
