"""HDR signals of SDR pixels, by the formulas of the standards."""

import numpy as np

TO_BT2020 = np.array([[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]])  # BT.2087, of BT.709 light


def light_of(pixels):
    signal = pixels / 255
    return np.where(signal <= 0.04045, signal / 12.92, ((signal + 0.055) / 1.055) ** 2.4)


def to_pq(light):
    """Signal of light, of which 1 is 203 cd/m2 (SMPTE ST 2084)."""
    power = np.clip(light * 203 / 10_000, 0, 1) ** 0.1593017578125
    return ((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)) ** 78.84375


def to_hlg(light):
    """Signal of display light, of which 1 is 203 of 1000 cd/m2 (inverse OOTF of gamma 1.2, then OETF)."""
    display = light * 203 / 1000
    luminance = np.maximum(display @ (0.2627, 0.6780, 0.0593), 1e-9)[..., None]
    scene = display * luminance ** (1 / 1.2 - 1)
    return np.where(
        scene <= 1 / 12, np.sqrt(3 * scene), 0.17883277 * np.log(np.maximum(12 * scene - 0.28466892, 1e-9)) + 0.55991073
    )
