"""Blocks of planes."""

import numpy as np

from noref.lab.arrays import Values


def of_strip(strip: Values, side: int) -> Values:
    """The blocks of a strip of `side` rows, from the left, n x side x side; columns that fill no block are left out.

    Examples:
        >>> print(of_strip(np.array([[1.0, 2, 3, 4, 5], [6, 7, 8, 9, 0]]), 2)[1])
        [[3. 4.]
         [8. 9.]]
    """
    count = strip.shape[1] // side
    return np.ascontiguousarray(strip[:, : count * side].reshape(side, count, side).swapaxes(0, 1))
