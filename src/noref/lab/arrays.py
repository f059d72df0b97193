"""Types of arrays."""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Pixels: TypeAlias = npt.NDArray[np.uint8]
"""sRGB, H x W x 3, unless the docstring states another shape."""
Values: TypeAlias = npt.NDArray[np.float64]
Vectors: TypeAlias = npt.NDArray[np.float32]
"""Features, in the precision of networks."""
Map: TypeAlias = npt.NDArray[np.float32]
"""One value a cell, h x w."""
