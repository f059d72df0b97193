"""Natural scene statistics of blocks, and the Gaussian model that NIQE and IL-NIQE compare them with."""

from dataclasses import dataclass

import numpy as np
from typing_extensions import Self

from noref.lab.arrays import Values
from noref.lab.features.gaussians import Moments, fit_asymmetric
from noref.lab.features.neighbours import products

FEATURES = 18  # of `statistics`
CHUNK = 8  # blocks whose products are in memory at a time


def statistics(blocks: Values) -> Values:
    """The 18 features of blocks of MSCN coefficients (n x H x W), n x 18; NaN where a block is uniform.

    A. Mittal, R. Soundararajan and A. C. Bovik (IEEE SPL 20(3), 2013): shape and mean scale of the AGGD of the coefficients;
    shape, mean and both scales of the AGGDs of their products along four directions, inside the block.
    """
    if len(blocks) > CHUNK:
        return np.concatenate([statistics(blocks[first : first + CHUNK]) for first in range(0, len(blocks), CHUNK)])
    own = fit_asymmetric(Moments.of(blocks))
    left, right = own.scales
    found = [own.alpha, (left + right) / 2]
    for product in products(blocks):
        one = fit_asymmetric(Moments.of(product))
        found += [one.alpha, one.mean, *one.scales]
    return np.stack(found, axis=1)


@dataclass(frozen=True)
class Normal:
    """A multivariate Gaussian distribution.

    Attributes:
        mean: Shape (D,).
        covariance: D x D.
    """

    mean: Values
    covariance: Values

    @classmethod
    def of(cls, rows: Values) -> Self:
        """The distribution of rows (n x D); NaN if fewer than two have no NaN.

        As in the code of NIQE's authors, the covariance leaves out rows with NaN, and the mean only their NaN.
        """
        complete = rows[~np.isnan(rows).any(axis=1)]
        if len(complete) < 2:
            width = rows.shape[1]
            return cls(np.full(width, np.nan), np.full((width, width), np.nan))
        return cls(np.nanmean(rows, axis=0), np.cov(complete, rowvar=False))

    def precision(self, other: Self) -> Values:
        """The pseudo-inverse of the mean of both covariances, D x D; NaN if one is NaN."""
        mean = (self.covariance + other.covariance) / 2
        if np.isnan(mean).any():
            return mean
        return np.linalg.pinv(mean, rcond=len(mean) * np.finfo(np.float64).eps, hermitian=True).astype(np.float64, copy=False)
