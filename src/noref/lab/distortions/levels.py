"""All distortion strengths: name -> the parameter used at levels 1 to 5, mild to severe; and for some, how far they go on.

JPEG, white noise and Gaussian blur follow the constants published with DB-CNN's generator for the Waterloo Exploration set
(zwx8981/BIQA_Project), softened where its top level leaves nothing to see; the rest were set by eye and by the test that
a full-reference metric falls from level to level.
"""

from typing import Any

LEVELS: dict[str, tuple[Any, Any, Any, Any, Any]] = {
    # Compression
    "jpeg": (43, 22, 12, 7, 3),  # quality factor of libjpeg
    "jpeg2000": (52, 120, 240, 450, 900),  # compression ratio against 24 bits a pixel
    "webp": (30, 15, 8, 4, 0),  # quality factor of libwebp
    "fast_fading": ((0.7, 2), (0.5, 3), (0.22, 10), (0.1, 16), (0.02, 32)),  # first hit (share of stream), bit errors
    # Noise: standard deviation in [0, 1] pixel units, or share of pixels hit
    "white_noise": (0.031, 0.06, 0.11, 0.19, 0.35),
    "color_noise": (0.025, 0.05, 0.09, 0.16, 0.28),  # in the chroma planes
    "impulse_noise": (0.005, 0.015, 0.04, 0.1, 0.25),
    "speckle_noise": (0.08, 0.15, 0.26, 0.42, 0.7),
    # Blur: pixels for a short side of 512, scaled with the photo
    "gaussian_blur": (1.1, 2.0, 3.4, 6.0, 12.0),  # sigma
    "lens_blur": (1.5, 3.0, 5.0, 9.0, 16.0),  # radius of the aperture disc
    "motion_blur": (5, 9, 16, 28, 48),  # length of the path
    "denoise": ((2, 0.002), (3, 0.006), (4, 0.018), (6, 0.05), (9, 0.15)),  # radius, epsilon of a guided filter
    # Exposure: stops
    "under_exposure": (-0.7, -1.3, -2.1, -3.0, -4.2),
    "over_exposure": (0.5, 1.0, 1.5, 2.1, 3.0),
    "vignetting": (0.6, 1.2, 2.0, 3.2, 5.0),  # stops lost in the corners
    # Colour and contrast
    "low_contrast": (0.7, 0.5, 0.34, 0.2, 0.1),  # share of the contrast kept
    "haze": (0.25, 0.42, 0.58, 0.73, 0.87),  # share of airlight
    "desaturation": (0.65, 0.45, 0.28, 0.13, 0.0),  # share of the chroma kept
    "over_saturation": (1.5, 2.0, 2.8, 4.0, 6.0),  # gain on the chroma
    "warm_cast": (0.12, 0.22, 0.34, 0.48, 0.65),  # twice the share that red gains and blue loses
    "cold_cast": (0.12, 0.22, 0.34, 0.48, 0.65),  # the other way round
    "chromatic_shift": (1, 2, 4, 7, 12),  # pixels between the red and blue planes at a short side of 512
    # Structure
    "banding": (24, 14, 9, 6, 3),  # grey levels left in each channel
    "pixelation": (2, 3, 5, 8, 14),  # pixels a block at a short side of 512
    "resampling": (1.7, 2.4, 3.6, 5.5, 9.0),  # shrink, then enlarge by this factor
    "over_sharpening": (0.8, 1.7, 3.2, 6.0, 12.0),  # gain of the unsharp mask
}

EXTREME_LEVELS: dict[str, float] = {
    "gaussian_blur": 40,
    "motion_blur": 240,
    "under_exposure": -20,
    "over_exposure": 12,
    "low_contrast": 0.01,
    "pixelation": 40,
}
"""How far past level 5 some go, in the same units: further on, a photo can hardly be told from a plain picture."""
