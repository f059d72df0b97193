"""Colours to sRGB by way of linear light: a transfer function, a matrix between primaries, and the encoding of sRGB."""

import functools
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

Floats: TypeAlias = npt.NDArray[np.float32]
Pixels: TypeAlias = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]
Curve: TypeAlias = Callable[[Floats], Floats]
"""A transfer function: signal from 0 to 1 to linear light, of which 1 is white."""

Render: TypeAlias = Callable[[Floats], Floats]
"""Linear light (N x 3) of any primaries to that of sRGB; what is outside 0 to 1 is clipped afterwards."""

Chromaticities: TypeAlias = tuple[float, float, float, float, float, float, float, float]
"""x and y of white, red, green and blue (CIE 1931), in the order of PNG."""

SRGB: Chromaticities = (0.3127, 0.3290, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)

_LEVELS = 65535  # of linear light, fine enough for every step of 8-bit sRGB
_BLOCK = 1 << 18  # pixels converted at a time
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])


class ToSRGB:
    """The conversion of strips (mode L, RGB or RGBA), or of RGB arrays of 8 or 16 bits, to 8-bit sRGB; alpha is kept."""

    def __init__(self, curve: Curve, render: Render) -> None:
        self._curve, self._render = curve, render
        self._tables: dict[Any, Floats] = {}

    def __call__(self, strip: Image.Image) -> Image.Image:
        """Convert a strip."""
        converted = Image.fromarray(self.pixels(np.asarray(strip.convert("RGB"))))
        if strip.mode == "RGBA":
            converted.putalpha(strip.getchannel("A"))
        return converted

    def pixels(self, pixels: Pixels) -> npt.NDArray[np.uint8]:
        """Convert an array, H x W x 3."""
        if pixels.dtype not in self._tables:
            largest = np.iinfo(pixels.dtype).max
            self._tables[pixels.dtype] = self._curve(np.linspace(0, 1, largest + 1, dtype=np.float32))
        table, flat = self._tables[pixels.dtype], pixels.reshape(-1, 3)
        converted = np.empty(flat.shape, np.uint8)
        for start in range(0, len(flat), _BLOCK):
            light = self._render(table[flat[start : start + _BLOCK]])
            converted[start : start + _BLOCK] = _encoded()[np.rint(np.clip(light, 0, 1) * _LEVELS).astype(np.uint16)]
        return converted.reshape(pixels.shape)


def srgb(signal: Floats) -> Floats:
    """The transfer function of sRGB."""
    return np.where(signal <= 0.04045, signal / 12.92, ((np.maximum(signal, 0) + 0.055) / 1.055) ** 2.4)


def power(exponent: float) -> Curve:
    """A pure power law."""
    return lambda signal: np.maximum(signal, 0) ** np.float32(exponent)


def by_matrix(matrix: Floats) -> Render:
    """The rendering of SDR: a matrix alone."""
    return lambda light: times(light, matrix)


def times(light: Floats, matrix: Floats) -> Floats:
    """Light (N x 3) by a matrix; einsum, as the threads of BLAS cost more than so small a product."""
    return np.einsum("ij,kj->ik", light, matrix)


def matrix_to_srgb(chromaticities: Chromaticities) -> Floats:
    """The 3 x 3 matrix from linear RGB of these primaries to linear sRGB; white becomes white (Bradford).

    Raises:
        ValueError: They span no colour space.
    """
    try:
        to_xyz = _to_xyz(chromaticities)
        theirs, ours = (_BRADFORD @ to.sum(axis=1) for to in (to_xyz, _to_xyz(SRGB)))
        adapted = np.linalg.inv(_BRADFORD) @ np.diag(ours / theirs) @ _BRADFORD
        matrix = np.linalg.inv(_to_xyz(SRGB)) @ adapted @ to_xyz
    except (ZeroDivisionError, np.linalg.LinAlgError) as error:
        raise ValueError("chromaticities span no colour space") from error
    if not np.isfinite(matrix).all() or np.abs(matrix).max() > 100:
        raise ValueError("chromaticities span no colour space")
    return matrix.astype(np.float32)


def luminance(chromaticities: Chromaticities) -> Floats:
    """What linear red, green and blue of these primaries contribute to luminance; the sum is 1."""
    return _to_xyz(chromaticities)[1].astype(np.float32)


def _to_xyz(chromaticities: Chromaticities) -> npt.NDArray[np.float64]:
    """Linear RGB to XYZ, the luminance of white being 1."""
    white, *primaries = ((x / y, 1.0, (1 - x - y) / y) for x, y in zip(chromaticities[::2], chromaticities[1::2], strict=True))
    columns = np.array(primaries).T
    return columns * np.linalg.solve(columns, np.array(white))


@functools.cache  # not needed for most photos
def _encoded() -> npt.NDArray[np.uint8]:
    light = np.linspace(0, 1, _LEVELS + 1)
    signal = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.rint(signal * 255).astype(np.uint8)
