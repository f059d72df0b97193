"""Calibration of the prediction interval by split conformal prediction."""

import math

import numpy as np

from noref.lab.arrays import Values

COVERAGE = 0.9
FEWEST = 9  # photos with which that coverage is possible


def conformal_factor(scores: Values, mos: Values, spread: Values) -> float:
    """The factor on the predicted spread with which the interval covers the MOS of new images with probability `COVERAGE`.

    Normalised split conformal prediction (Lei et al., "Distribution-Free Predictive Inference for Regression", JASA 2018): the
    quantile of |MOS - score| / spread over images that were used neither for training nor for any choice, a little above
    `COVERAGE` because they are few.

    Args:
        scores: n, predicted MOS from 0 to 1; n is at least `FEWEST`.
        mos: n, same scale.
        spread: n, predicted absolute errors.

    Raises:
        ValueError: There are fewer images.

    Examples:
        >>> import numpy as np
        >>> errors = np.linspace(0, 1, 99)
        >>> round(conformal_factor(np.zeros(99), errors, np.ones(99)), 3)
        0.908
    """
    ratios = np.sort(np.abs(scores - mos) / spread)
    rank = math.ceil(COVERAGE * (len(ratios) + 1))
    if rank > len(ratios):
        raise ValueError(f"a coverage of {COVERAGE:g} needs at least {FEWEST} images, not {len(ratios)}")
    return float(ratios[rank - 1])
