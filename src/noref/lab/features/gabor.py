"""Log-Gabor filters in the frequency domain: D. J. Field (J. Opt. Soc. Am. A 4(12), 1987), with Gaussian orientations."""

import functools

import numpy as np

from noref.lab.arrays import Values


@functools.lru_cache(maxsize=4)
def bank(
    shape: tuple[int, int], *, scales: int, orientations: int, wavelength: float, factor: float, bandwidth: float, spread: float
) -> Values:
    """Filters to multiply the two-dimensional FFT of a plane with, (scales x orientations) x H x W; frequency 0 is first.

    Args:
        shape: Height and width of the plane.
        scales: Number of scales.
        orientations: Number of orientations, equally spaced over half a turn.
        wavelength: Of the first scale, in pixels.
        factor: Between the wavelengths of consecutive scales.
        bandwidth: Ratio of the deviation of the radial Gaussian and the centre frequency.
        spread: Angle between orientations as a multiple of the deviation of the angular Gaussian.

    Examples:
        >>> found = bank((8, 8), scales=1, orientations=2, wavelength=4, factor=2, bandwidth=0.5, spread=1.2)
        >>> print(found.shape, found[0, 0, 2].round(2), found[1, 6, 0].round(2), found[:, 0, 0])
        (2, 8, 8) 1.0 1.0 [0. 0.]
    """
    y, x = np.meshgrid(*map(_frequencies, shape), indexing="ij")
    radius, angle = np.hypot(x, y), np.arctan2(-y, x)
    radius[0, 0] = 1
    width = np.pi / orientations / spread
    found = np.empty((scales * orientations, *shape))
    for scale in range(scales):
        radial = np.exp(-(np.log(radius * wavelength * factor**scale) ** 2) / (2 * np.log(bandwidth) ** 2))
        radial[0, 0] = 0
        for orientation in range(orientations):
            turn = angle - orientation * np.pi / orientations
            apart = np.abs(np.arctan2(np.sin(turn), np.cos(turn)))
            found[scale * orientations + orientation] = radial * np.exp(-(apart**2) / (2 * width**2))
    found.flags.writeable = False
    return found


def _frequencies(length: int) -> Values:
    """Cycles per pixel, in the order of the FFT; for odd lengths, the highest is 1/2 as in the published code."""
    count = length - length % 2
    return np.fft.ifftshift(np.arange(length) - length // 2) / count
