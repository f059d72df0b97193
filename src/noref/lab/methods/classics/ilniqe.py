"""IL-NIQE: NIQE on more statistics (gradients, log-Gabor responses, colours), with a distance for each block."""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydantic import Field
from scipy import fft, ndimage

from noref.lab.arrays import Pixels, Values
from noref.lab.datasets.files import variables
from noref.lab.errors import LabError
from noref.lab.features import gabor, mscn, weibull
from noref.lab.features.blocks import of_strip
from noref.lab.features.gaussians import Moments, fit_asymmetric
from noref.lab.features.natural import Normal, statistics
from noref.lab.features.planes import ArrayPlane
from noref.lab.features.resize import resize
from noref.lab.methods.pristine import BlockFeatures, PristineMethod, PristineSettings, normal
from noref.lab.methods.registry import register
from noref.lab.settings import settings

BLOCK = 84  # pixels; half of it at the second scale
FEATURES = 234  # of a block at one scale
OPPONENT = np.array([[0.3, 0.04, -0.35], [0.34, -0.6, 0.17], [0.06, 0.63, 0.27]])  # rows O1, O2 and O3 of R, G and B
BRIGHT = np.array([[1, 1, 1], [1, 1, -2], [1, -1, 0]]) / np.sqrt([[3], [6], [2]])  # rows of the logarithms of R, G and B
_ARRAYS = ("mean", "covariance", "centre", "axes")  # as in the authors' file
LARGEST = 10_000.0  # of a feature
TINY = 1e-10  # MSCN coefficients below which are rounding errors in uniform regions


@settings
class IlniqeSettings(PristineSettings):
    """Settings of IL-NIQE."""

    side: int = Field(default=524, ge=2 * BLOCK)
    """Pixels that both sides of every photo are resized to; blocks have 84."""
    components: int = Field(default=430, ge=1, le=2 * FEATURES)
    """Principal components that `fit` keeps."""


@register("ilniqe")
class IlniqeMethod(PristineMethod[IlniqeSettings]):
    """IL-NIQE (Zhang, Zhang and Bovik 2015): NIQE on statistics of luminance, colour, gradients and log-Gabor responses.

    Every photo is resized to 524 x 524 pixels, whatever its aspect ratio; 504 x 504 of these are used.
    """

    settings_type = IlniqeSettings
    citation = "Zhang, Zhang and Bovik (2015): A Feature-Enriched Completely Blind Image Quality Evaluator"
    shortest = 32

    @property
    def dimensions(self) -> int:
        return self.settings.components

    def blocks(self, pixels: Pixels) -> BlockFeatures:
        side = self.settings.side
        used = side // BLOCK * BLOCK
        rgb = np.clip(resize(pixels, (side, side)), 0, 255)[:used, :used]
        rgb = np.ascontiguousarray(np.moveaxis(rgb, 2, 0))
        opponent = np.tensordot(OPPONENT, rgb, 1)
        first, sharpness = _scale(rgb, opponent, 1)
        second, _ = _scale(_halved(rgb), _halved(opponent), 2)
        return BlockFeatures(np.minimum(np.hstack([first, second]), LARGEST), sharpness)

    def value(self, pixels: Pixels) -> float:
        arrays, pristine = self.parameters_.arrays, normal(self.parameters_.arrays)
        rows = (self.blocks(pixels).features - arrays["centre"]) @ arrays["axes"]
        own = Normal.of(rows)
        rows = np.where(np.isnan(rows), own.mean, rows)
        apart = rows - pristine.mean
        squares = np.einsum("ij,jk,ik->i", apart, pristine.precision(own), apart, optimize=True)
        return float(np.sqrt(np.maximum(squares, 0)).mean())

    def model(self, rows: Values) -> Mapping[str, Values]:
        centre = rows.mean(axis=0)
        axes = np.linalg.svd(rows - centre, full_matrices=False)[2][: self.settings.components].T
        learned = Normal.of((rows - centre) @ axes)
        found = {"mean": learned.mean, "covariance": learned.covariance, "centre": centre, "axes": axes}
        return {name: array.astype(np.float32) for name, array in found.items()}

    def released(self, file: Path) -> Mapping[str, Values]:
        (cells,) = variables(file, "templateModel")
        found = {name: np.asarray(cell, np.float64) for name, cell in zip(_ARRAYS, cells, strict=False)}
        shapes = [array.shape for array in found.values()]
        if shapes != [(430,), (430, 430), (2 * FEATURES,), (2 * FEATURES, 430)]:
            raise LabError(f"{file} is not a model of {2 * FEATURES} features; give the templateModel.mat of the authors")
        return found


def _scale(rgb: Values, opponent: Values, scale: int) -> tuple[Values, Values]:
    """The 234 features of each block at scale 1 or 2, and the sharpness of each block."""
    side = BLOCK // scale
    ((coefficients, deviation),) = mscn.strips(ArrayPlane(opponent[2]), rgb.shape[1], side=5)
    coefficients[np.abs(coefficients) < TINY] = 0
    logarithms = np.log(rgb + 1e-5)
    colours = np.tensordot(BRIGHT, logarithms - logarithms.mean(axis=(1, 2), keepdims=True), 1)
    sigma = 1.66 / scale**0.28
    gradients = [_gradient(plane, sigma) for plane in opponent]
    found = [
        statistics(_blocks(coefficients, side)),
        *(_weibull(gradient, side) for gradient in gradients),
        *(_moments(plane, side) for plane in colours),
        *(_shape(plane, side) for gradient in gradients for plane in gradient),
    ]
    responses, derivatives, magnitudes = [], [], []
    for response in _responses(opponent[2], scale):
        for plane in (response.real, response.imag):
            gradient = _gradient(plane, sigma)
            responses.append(_shape(plane, side))
            derivatives += [_shape(component, side) for component in gradient]
            magnitudes.append(_weibull(gradient, side))
    return np.hstack([*found, *responses, *derivatives, *magnitudes]), _blocks(deviation, side).mean(axis=(1, 2))


def _responses(plane: Values, scale: int) -> Iterator[npt.NDArray[np.complex128]]:
    """Log-Gabor responses at three scales and four orientations."""
    wavelength = 2.4 / scale**0.87
    filters = gabor.bank(plane.shape, scales=3, orientations=4, wavelength=wavelength, factor=1.31, bandwidth=0.55, spread=1.1)
    spectrum = fft.fft2(plane)
    return (fft.ifft2(spectrum * one) for one in filters)


def _gradient(plane: Values, sigma: float) -> tuple[Values, Values]:
    """Horizontal and vertical derivative in a Gaussian window that is not normalised; 0 beyond the edges."""
    reach = float(math.ceil(3 * sigma))
    places = np.arange(-reach, reach + 1)
    bell = np.exp(-(places**2) / (2 * sigma**2))
    return _filtered(plane, bell, places * bell), _filtered(plane, places * bell, bell)


def _filtered(plane: Values, vertical: Values, horizontal: Values) -> Values:
    return ndimage.correlate1d(ndimage.correlate1d(plane, vertical, 0, mode="constant"), horizontal, 1, mode="constant")


def _halved(planes: Values) -> Values:
    """Every other pixel of planes (n x H x W) after a Gaussian window of 6 x 6 pixels, edges repeated."""
    weights = np.exp(-((np.arange(6) - 2.5) ** 2) / (2 * 0.9**2))
    weights /= weights.sum()
    for axis in (1, 2):
        planes = ndimage.correlate1d(planes, weights, axis, mode="nearest", origin=-1)
    return np.ascontiguousarray(planes[:, ::2, ::2])


def _blocks(plane: Values, side: int) -> Values:
    return np.concatenate([of_strip(plane[top : top + side], side) for top in range(0, len(plane), side)])


def _shape(plane: Values, side: int) -> Values:
    """Shape and mean scale of the AGGD of each block."""
    found = fit_asymmetric(Moments.of(_blocks(plane, side)))
    left, right = found.scales
    return np.stack([found.alpha, (left + right) / 2], axis=1)


def _weibull(gradient: tuple[Values, Values], side: int) -> Values:
    """Scale and shape of the Weibull distribution of the magnitudes in each block."""
    magnitude = _blocks(np.sqrt(gradient[0] ** 2 + gradient[1] ** 2 + np.finfo(np.float64).eps), side)
    return np.stack(weibull.fit(magnitude.reshape(len(magnitude), -1)), axis=1)


def _moments(plane: Values, side: int) -> Values:
    """Mean and variance of each block."""
    found = _blocks(plane, side)
    return np.stack([found.mean(axis=(1, 2)), found.var(axis=(1, 2), ddof=1)], axis=1)
