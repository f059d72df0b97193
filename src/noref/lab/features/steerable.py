"""A steerable pyramid, and its subbands after divisive normalisation.

Sources: Simoncelli, Freeman 1995, "The Steerable Pyramid: A Flexible Architecture for Multi-Scale Derivative Computation";
Moorthy, Bovik 2011, "Blind Image Quality Assessment: From Natural Scene Statistics to Perceptual Quality". Constants are those
of the released code of DIIVINE, and so are two details: the last orientation of the fine scale is normalised without its
parent, and the size of a neighbourhood does not count the other orientations.
"""

import warnings
from collections.abc import Iterator, Sequence
from importlib import metadata
from typing import NamedTuple

import numpy as np

from noref.lab.arrays import Pixels, Values
from noref.lab.errors import LabError
from noref.lab.features.resize import resize

SCALES = 2
ORIENTATIONS = 6
EDGE = 16  # rows and columns left out at each edge of the fine scale
_FLAT = 1e-12  # variance below which coefficients are rounding errors
_ROWS = 64  # of neighbourhoods at a time, to save memory


class Pyramid(NamedTuple):
    """A steerable pyramid without its low-pass residual.

    Attributes:
        highpass: The high-pass residual, H x W.
        bands: Real subbands, a list of the orientations for each scale: H x W at scale 0, half as high and wide at scale 1.
    """

    highpass: Values
    bands: list[list[Values]]


def version() -> str:
    """The version of pyrtools, which computes the pyramid.

    Raises:
        LabError: It is not installed.
    """
    try:
        return metadata.version("pyrtools")
    except metadata.PackageNotFoundError as error:
        raise LabError("the steerable pyramid needs pyrtools; pip install 'noref[diivine]'") from error


def pyramid(plane: Pixels | Values) -> Pyramid:
    """The steerable pyramid of a plane (H x W), computed by pyrtools in the frequency domain; edges wrap around.

    Raises:
        LabError: pyrtools is not installed.
    """
    version()
    from pyrtools.pyramids import SteerablePyramidFreq

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Reconstruction will not be perfect", UserWarning)  # of odd sides
        found = SteerablePyramidFreq(plane.astype(np.float64), height=SCALES, order=ORIENTATIONS - 1).pyr_coeffs
    bands = [[found[scale, orientation] for orientation in range(ORIENTATIONS)] for scale in range(SCALES)]
    return Pyramid(found["residual_highpass"], bands)


def normalised(bands: Sequence[Sequence[Values]], scale: int) -> list[Values]:
    """The subbands of a scale, each coefficient divided by the energy of its neighbourhood; without edges, mean 0.

    The neighbourhood of a coefficient holds the 3 x 3 coefficients around it, its parent at the coarser scale, and those at
    the same place in the other orientations. Its energy is sqrt(y C^-1 y / N) for values y with the covariance C, which is that
    of all neighbourhoods. The quotient is 0 where the energy is.
    """
    found, edge = [], EDGE // 2**scale
    for orientation, band in enumerate(bands[scale]):
        height, width = (side - 2 for side in band.shape)
        views = [band[i : i + height, j : j + width] for i in range(3) for j in range(3)]
        if scale + 1 < SCALES and orientation + 1 < ORIENTATIONS:
            views.append(_doubled(bands[scale + 1][orientation])[1 : height + 1, 1 : width + 1])
        size = len(views)
        views += [other[1:-1, 1:-1] for other in bands[scale] if other is not band]
        energy = _energy(views, size)[edge:-edge, edge:-edge]
        centered = (views[4] - views[4].mean())[edge:-edge, edge:-edge]
        quotient = np.divide(centered, energy, out=np.zeros_like(energy), where=energy > 0)
        found.append(quotient - quotient.mean())
    return found


def _doubled(band: Values) -> Values:
    return resize(band, (2 * band.shape[0], 2 * band.shape[1]))


def _energy(views: Sequence[Values], size: int) -> Values:
    """sqrt(y C^-1 y / size) at each place, H x W, where y are the values of the views there, and C is their covariance."""
    covariance = np.sum([part @ part.T for part in _strips(views)], axis=0) / views[0].size
    variances, axes = np.linalg.eigh(covariance)
    kept = variances > max(_FLAT, len(views) * np.finfo(np.float64).eps * variances[-1])
    whitening = (axes[:, kept] / np.sqrt(variances[kept])).T
    squares = [((whitening @ part) ** 2).sum(axis=0) for part in _strips(views)]
    return np.sqrt(np.concatenate(squares) / size).reshape(views[0].shape)


def _strips(views: Sequence[Values]) -> Iterator[Values]:
    """The values of the views, views x places, a few rows at a time."""
    for top in range(0, len(views[0]), _ROWS):
        yield np.stack([view[top : top + _ROWS].ravel() for view in views])
