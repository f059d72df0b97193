"""HDR to SDR: PQ (SMPTE ST 2084) and HLG (ARIB STD-B67), white being 203 cd/m2 as in ITU-R BT.2408.

Up to nine tenths of white nothing changes; what is brighter is rolled off towards white. So SDR content that is stored as HDR
keeps its look, but for the brightest tenth: 203 cd/m2 becomes 249 of 255.
"""

import numpy as np

from noref.images.linear import Floats, Render, times

WHITE = 203.0  # cd/m2
_HLG_PEAK = 1000.0  # cd/m2, nominal
_HLG_GAMMA = 1.2  # of the display of that peak
_KNEE = 0.9  # of white


def pq(signal: Floats) -> Floats:
    """Light of a PQ signal; 1 is 203 cd/m2."""
    m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
    root = np.clip(signal.astype(np.float64), 0, 1) ** (1 / m2)
    light = 10_000 * (np.maximum(root - c1, 0) / (c2 - c3 * root)) ** (1 / m1)
    return (light / WHITE).astype(np.float32)


def hlg(signal: Floats) -> Floats:
    """Scene light of an HLG signal, from 0 to 1 (inverse OETF)."""
    a = 0.17883277
    b, c = 1 - 4 * a, 0.5 - a * np.log(4 * a)
    signal = np.clip(signal, 0, 1)
    return np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12).astype(np.float32)


def of_display(matrix: Floats) -> Render:
    """The rendering of display light, as PQ holds it, of the primaries that `matrix` brings to sRGB."""
    return lambda light: roll_off(times(light, matrix))


def of_scene(matrix: Floats, luminance: Floats) -> Render:
    """The rendering of scene light, as HLG holds it; `luminance` holds the contributions of its primaries."""

    def render(light: Floats) -> Floats:
        gain = np.maximum(times(light, luminance[None]), 1e-6) ** np.float32(_HLG_GAMMA - 1) * np.float32(_HLG_PEAK / WHITE)
        return roll_off(times(light * gain, matrix))

    return render


def roll_off(light: Floats) -> Floats:
    """Compress what is above the knee to below 1, smoothly, by the largest channel: the hue stays. Works in place."""
    largest = np.maximum(np.maximum(light[:, 0], light[:, 1]), light[:, 2])
    bright = np.flatnonzero(largest > _KNEE)
    largest = largest[bright]
    excess = (largest - _KNEE) / (1 - _KNEE)
    target = _KNEE + (1 - _KNEE) * excess / (1 + excess)
    light[bright] *= (target / largest).astype(np.float32)[:, None]
    return light
