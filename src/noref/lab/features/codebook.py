"""A codebook of small patches, and how far the patches of a photo are from it: the 14,700 features of HOSA.

Source: Xu, Ye, Li, Du, Liu, Doermann 2016, "Blind Image Quality Assessment Based on High Order Statistics Aggregation", with
the constants of the authors' released code. The whitening is that of Coates and Ng 2012, "Learning Feature Representations
with K-means".
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits
from typing_extensions import Self

from noref.lab.arrays import Pixels, Values
from noref.lab.errors import LabError

SIDE = 7  # pixels per side of a patch
PATCHES = 10_000  # wanted of a photo; a small photo has fewer, and four times as many are possible
NEAREST = 5  # codewords that share a patch
SHARPNESS = 0.05  # of the Gaussian weights of these codewords
POWER = 0.2
_LEAST_CONTRAST = 10.0  # added to the variance of a patch
_LEAST_VARIANCE = 0.1  # added to the eigenvalues of the whitening


@dataclass(frozen=True)
class Codebook:
    """Codewords in the space of whitened patches (49 values), with the statistics of the patches nearest to each.

    Attributes:
        mean, whitening: Of the patches learned from, 49 and 49 x 49.
        centers, variances, skewnesses: Of the K codewords, K x 49 each.
    """

    mean: Values
    whitening: Values
    centers: Values
    variances: Values
    skewnesses: Values

    @classmethod
    def of(cls, arrays: Mapping[str, Values]) -> Self:
        """The codebook whose attributes are among these arrays."""
        return cls(**{field.name: arrays[field.name] for field in fields(cls)})


def patches(gray: Pixels) -> Values:
    """Patches on a regular grid, each with its mean removed and divided by its deviation; n x 49.

    Args:
        gray: H x W, 0 to 255, at least 7 x 7.
    """
    step = max(1, math.isqrt(gray.size // PATCHES))
    found = sliding_window_view(gray, (SIDE, SIDE))[::step, ::step].reshape(-1, SIDE**2).astype(np.float64)
    found -= found.mean(axis=1, keepdims=True)
    found /= np.sqrt(found.var(axis=1, ddof=1, keepdims=True) + _LEAST_CONTRAST)
    return found


def learn(examples: Values, codewords: int, seed: int) -> Codebook:
    """A codebook learned from patches (n x 49, of many photos) by k-means.

    Raises:
        LabError: There are fewer different patches than codewords.
    """
    different = len(np.unique(examples, axis=0))
    if different < codewords:
        raise LabError(f"{different} different patches cannot give {codewords} codewords; use more photos, or fewer codewords")
    mean = examples.mean(axis=0)
    values, axes = np.linalg.eigh(np.cov(examples, rowvar=False))
    whitening = axes / np.sqrt(values + _LEAST_VARIANCE) @ axes.T
    white = (examples - mean) @ whitening
    with threadpool_limits(1):  # the order in which several threads add up their parts varies
        found = KMeans(codewords, n_init=1, random_state=seed).fit(white)
    members = np.eye(codewords)[found.labels_]
    return Codebook(mean, whitening, *_moments(members / members.sum(axis=0), white))


def hosa(gray: Pixels, codebook: Codebook) -> Values:
    """The 147 K features of HOSA, of length 1: differences of means, of variances and of skewnesses from those of K codewords.

    Each patch belongs to its five nearest codewords, by weights that fall with the squared distance. Means, variances and
    skewnesses of the patches of a codeword are compared with its own; the differences of a codeword without patches are 0,
    and so are those of variances and skewnesses where all patches are equal. Then the signed power 0.2 is taken.

    Args:
        gray: H x W, 0 to 255, at least 7 x 7.
        codebook: From `learn`.
    """
    white = (patches(gray) - codebook.mean) @ codebook.whitening
    weights = _weights(white, codebook.centers)
    total = weights.sum(axis=0)
    used = total > 0
    means, variances, skewnesses = _moments(weights[:, used] / total[used], white)
    found = np.zeros((3, *codebook.centers.shape))
    found[0, used] = means - codebook.centers[used]
    varied = variances.sum(axis=1) > 1e-8
    found[1, used] = (variances - codebook.variances[used]) * varied[:, None]
    found[2, used] = (skewnesses - codebook.skewnesses[used]) * varied[:, None]
    found = (np.sign(found) * np.abs(found) ** POWER).ravel()
    return found / (np.linalg.norm(found) + 1e-20)


def _weights(white: Values, centers: Values) -> Values:
    """The share of each codeword in each patch, n x K; each row sums to 1 and has at most five values."""
    distances = (white**2).sum(axis=1, keepdims=True) - 2 * white @ centers.T + (centers**2).sum(axis=1)
    count = min(NEAREST, len(centers))
    nearest = np.argpartition(distances, count - 1, axis=1)[:, :count]
    near = np.take_along_axis(distances, nearest, axis=1)
    shares = np.exp(-SHARPNESS * (near - near.min(axis=1, keepdims=True)))
    found = np.zeros_like(distances)
    np.put_along_axis(found, nearest, shares / shares.sum(axis=1, keepdims=True), axis=1)
    return found


def _moments(weights: Values, white: Values) -> tuple[Values, Values, Values]:
    """Mean, variance and skewness of each value of n patches, for K columns of weights that sum to 1 each; K x 49."""
    mean, square, cube = (weights.T @ white**power for power in (1, 2, 3))
    variance = np.maximum(square - mean**2, 0)
    third = cube - 3 * mean * square + 2 * mean**3
    return mean, variance, third / (variance**1.5 + 1e-4)
