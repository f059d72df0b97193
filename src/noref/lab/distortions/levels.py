"""The table of distortions: one row a type, with its family, its parameter at levels 1 to 5, and where it is used.

JPEG, white noise and Gaussian blur follow the constants published with DB-CNN's generator for the Waterloo Exploration
Database (github.com/zwx8981/BIQA_Project), reduced at level 5 where nothing of the photo was left. The other parameters were
chosen such that full-reference metrics (PSNR, VSI) fall from level to level.
"""

from typing import Any, NamedTuple

DEFECTS = (
    # Air and lens
    "low contrast",
    "focus blur",
    "motion blur",
    # Sensor
    "under-exposure",
    "over-exposure",
    "noise",
    # Processing
    "warm cast",
    "cold cast",
    "pixelation",
    "banding",
    # File
    "compression",
)
"""Families that models predict as defects, in the order in which a chain applies them. Model cards list these names."""

OTHER_FAMILIES = ("wrong color", "over-sharpening", "artificial detail", "under water", "missing data")
"""Families that no model predicts."""


class Row(NamedTuple):
    """One distortion of the table.

    Attributes:
        family: One of `DEFECTS` or `OTHER_FAMILIES`.
        levels: The parameter at levels 1 (mild) to 5 (severe); its unit stands beside the row.
        chain: Whether chains draw it as an example of its family, which is then one of `DEFECTS`. False for types that a
            viewer would not name so, and for `fast_fading`, whose visibility varies at random.
        extreme: The most extreme parameter, far past level 5; None where the type ends at level 5.
    """

    family: str
    levels: tuple[Any, Any, Any, Any, Any]
    chain: bool = False
    extreme: float | None = None


TABLE: dict[str, Row] = {
    # Compression
    "jpeg": Row("compression", (43, 22, 12, 7, 3), chain=True),  # quality factor of libjpeg
    "jpeg2000": Row("compression", (52, 120, 240, 450, 900), chain=True),  # compression ratio against 24 bits a pixel
    "webp": Row("compression", (30, 15, 8, 4, 0), chain=True),  # quality factor of libwebp
    "fast_fading": Row(  # position of the first bit error (share of the stream), number of bit errors
        "compression", ((0.7, 2), (0.5, 3), (0.22, 10), (0.1, 16), (0.02, 32))
    ),
    # Noise: standard deviation for pixels in [0, 1], or share of the pixels
    "white_noise": Row("noise", (0.031, 0.06, 0.11, 0.19, 0.35), chain=True),
    "color_noise": Row("noise", (0.025, 0.05, 0.09, 0.16, 0.28), chain=True),  # in the chroma planes
    "impulse_noise": Row("noise", (0.005, 0.015, 0.04, 0.1, 0.25), chain=True),
    "speckle_noise": Row("noise", (0.08, 0.15, 0.26, 0.42, 0.7), chain=True),
    # Blur: pixels at a short side of 512, scaled with the photo
    "gaussian_blur": Row("focus blur", (1.1, 2.0, 3.4, 6.0, 12.0), chain=True, extreme=40),  # sigma
    "lens_blur": Row("focus blur", (1.5, 3.0, 5.0, 9.0, 16.0), chain=True),  # radius of the aperture disc
    "motion_blur": Row("motion blur", (5, 9, 16, 28, 48), chain=True, extreme=240),  # length of the path
    "denoise": Row(  # radius and epsilon of a guided filter
        "focus blur", ((2, 0.002), (3, 0.006), (4, 0.018), (6, 0.05), (9, 0.15))
    ),
    # Exposure: stops
    "under_exposure": Row("under-exposure", (-0.7, -1.3, -2.1, -3.0, -4.2), chain=True, extreme=-20),
    "over_exposure": Row("over-exposure", (0.5, 1.0, 1.5, 2.1, 3.0), chain=True, extreme=12),
    "vignetting": Row("under-exposure", (0.6, 1.2, 2.0, 3.2, 5.0)),  # stops lost in the corners
    # Colour and contrast
    "low_contrast": Row("low contrast", (0.7, 0.5, 0.34, 0.2, 0.1), chain=True, extreme=0.01),  # share of the contrast kept
    "haze": Row("low contrast", (0.25, 0.42, 0.58, 0.73, 0.87), chain=True),  # share of airlight
    "desaturation": Row("wrong color", (0.65, 0.45, 0.28, 0.13, 0.0)),  # share of the chroma kept
    "over_saturation": Row("wrong color", (1.5, 2.0, 2.8, 4.0, 6.0)),  # gain on the chroma
    "warm_cast": Row("warm cast", (0.12, 0.22, 0.34, 0.48, 0.65), chain=True),  # twice the share that red gains, blue loses
    "cold_cast": Row("cold cast", (0.12, 0.22, 0.34, 0.48, 0.65), chain=True),  # twice the share that blue gains, red loses
    "chromatic_shift": Row("wrong color", (1, 2, 4, 7, 12)),  # pixels between red and blue at a short side of 512
    # Structure
    "banding": Row("banding", (24, 14, 9, 6, 3), chain=True),  # values left in each channel
    "pixelation": Row("pixelation", (2, 3, 5, 8, 14), chain=True, extreme=40),  # pixels a block at a short side of 512
    "resampling": Row("focus blur", (1.7, 2.4, 3.6, 5.5, 9.0)),  # factor of downsampling and upsampling
    "over_sharpening": Row("over-sharpening", (0.8, 1.7, 3.2, 6.0, 12.0)),  # gain of the unsharp mask
    # Later files and devices
    "avif": Row(  # quality of libavif, factor of reduction at a short side of 512
        "compression", ((25, 1), (10, 1), (5, 1.35), (2, 1.9), (0, 2.8)), chain=True
    ),
    "recompression": Row("compression", ((2, 40), (3, 24), (4, 15), (5, 9), (6, 5))),  # generations, mean quality factor
    "video_frame": Row(  # factor of reduction at a short side of 512, quantization step
        "compression", ((1.15, 20), (1.35, 36), (1.6, 60), (2.1, 100), (3.0, 170))
    ),
    "upscaled": Row(  # factor of reduction and enlargement, gain of the unsharp mask
        "focus blur", ((2.0, 0.8), (2.8, 1.2), (4.0, 1.6), (5.8, 2.2), (8.5, 3.0))
    ),
    "generative_upscaling": Row(  # factor of reduction and enlargement, standard deviation of the invented texture
        "artificial detail", ((1.5, 0.02), (2.0, 0.03), (2.8, 0.045), (4.0, 0.065), (6.0, 0.09))
    ),
    "water": Row("under water", (0.22, 0.5, 0.9, 1.5, 2.5)),  # optical depth of red in the mean distance
    "film_grain": Row(  # standard deviation for pixels in [0, 1], share of the chroma replaced by one tone
        "noise", ((0.03, 0.2), (0.05, 0.4), (0.08, 0.6), (0.12, 0.8), (0.18, 1.0))
    ),
    "missing_data": Row("missing data", (0.08, 0.2, 0.35, 0.55, 0.75)),  # share of the area
}
"""Name of a distortion -> its row. A new row goes to the end, so that the order of the others stays."""

VERSION_1 = (
    *("jpeg", "jpeg2000", "webp", "fast_fading"),
    *("white_noise", "color_noise", "impulse_noise", "speckle_noise"),
    *("gaussian_blur", "lens_blur", "motion_blur", "denoise"),
    *("under_exposure", "over_exposure", "vignetting"),
    *("low_contrast", "haze", "desaturation", "over_saturation", "warm_cast", "cold_cast", "chromatic_shift"),
    *("banding", "pixelation", "resampling", "over_sharpening"),
)
"""The types that training draws from by default. A new distortion does not join this list, so that no
recipe changes; recipes name it in their own list of types."""

VERSION_2 = (
    *VERSION_1,
    *("avif", "recompression", "video_frame", "upscaled", "generative_upscaling", "water", "film_grain", "missing_data"),
)
"""`VERSION_1`, and types of later files and devices. A new distortion does not join this list either."""
