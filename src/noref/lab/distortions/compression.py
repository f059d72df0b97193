"""Lossy compression of photos and video frames, and bit errors in a compressed stream."""

import io
from typing import Any

import numpy as np
from PIL import Image, features

from noref.lab.arrays import Pixels
from noref.lab.distortions.arithmetic import reduced, resized
from noref.lab.distortions.registry import distortion
from noref.lab.errors import LabError


def _encode(pixels: Pixels, codec: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, codec, **options)
    return stream.getvalue()


def _decode(data: bytes) -> Pixels:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB")).copy()


@distortion
def jpeg(pixels: Pixels, quality: int, rng: np.random.Generator) -> Pixels:
    """JPEG: blocking and ringing."""
    return _decode(_encode(pixels, "JPEG", quality=quality))


@distortion
def jpeg2000(pixels: Pixels, ratio: float, rng: np.random.Generator) -> Pixels:
    """JPEG 2000: blur and ringing."""
    return _decode(_encode(pixels, "JPEG2000", quality_mode="rates", quality_layers=[ratio], irreversible=True))


@distortion
def webp(pixels: Pixels, quality: int, rng: np.random.Generator) -> Pixels:
    """WebP: smooth patches and loss of texture."""
    return _decode(_encode(pixels, "WEBP", quality=quality, method=4))


@distortion
def fast_fading(pixels: Pixels, start_errors: tuple[float, int], rng: np.random.Generator) -> Pixels:
    """Fast fading: bit errors in a JPEG 2000 stream.

    LIVE transmitted JPEG 2000 streams over a simulated Rayleigh fading channel (Sheikh, Sabir, Bovik, TIP 15(11), 2006).
    Here bits are flipped in the packet data after the main header. The stream is ordered from coarse to fine, so an early bit
    error degrades more of the picture than a late one.

    Raises:
        LabError: In 200 draws, no pattern of bit errors left a decodable stream.
    """
    first_hit, errors = start_errors
    stream = _encode(pixels, "JPEG2000", quality_mode="rates", quality_layers=[24], irreversible=True, progression="RLCP")
    start = stream.index(b"\xff\x93") + 2  # start of the data, after all headers
    span = len(stream) - 2 - start
    low = start + int(first_hit * span)
    high = max(low + 1, start + int((first_hit + 0.3) * span))
    for _ in range(200):
        broken = bytearray(stream)
        for position, bit in zip(rng.integers(low, high, errors), rng.integers(0, 8, errors), strict=True):
            broken[position] ^= 1 << int(bit)
        try:
            return _decode(bytes(broken))
        except (OSError, SyntaxError):
            continue  # a packet header cannot be decoded any more: draw another pattern
    raise LabError(f"fast_fading: no pattern of {errors} bit errors left a decodable stream; use a larger photo")


@distortion
def avif(pixels: Pixels, quality_reduction: tuple[int, float], rng: np.random.Generator) -> Pixels:
    """AVIF at a low bit rate: smeared texture, edges kept.

    Even its lowest quality leaves much of the photo, so the severe levels code a reduced picture, as services do.

    Raises:
        LabError: This Pillow has no AVIF encoder.
    """
    if not features.check("avif"):
        raise LabError("avif: this Pillow has no AVIF encoder; install a wheel of pillow 11.3 or later from PyPI")
    quality, reduction = quality_reduction
    coded = _decode(_encode(reduced(pixels, reduction), "AVIF", quality=quality, speed=8, max_threads=1))
    return resized(coded, pixels.shape, Image.Resampling.BICUBIC)


@distortion
def recompression(pixels: Pixels, generations_quality: tuple[int, int], rng: np.random.Generator) -> Pixels:
    """Recompression: saved several times as JPEG or WebP, each time at another size and quality."""
    generations, quality = generations_quality
    filters = (Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.LANCZOS)
    saved = pixels
    for _ in range(generations):
        factor = rng.uniform(0.7, 1)
        size = [max(1, round(side * factor)) for side in pixels.shape[:2]]
        codec, saved_quality = str(rng.choice(["JPEG", "JPEG", "WEBP"])), round(quality * rng.uniform(0.85, 1.15))
        resampled = resized(saved, size, filters[rng.integers(len(filters))])
        saved = _decode(_encode(resampled, codec, quality=saved_quality))
    return resized(saved, pixels.shape, Image.Resampling.BICUBIC)


@distortion
def video_frame(pixels: Pixels, reduction_step: tuple[float, int], rng: np.random.Generator) -> Pixels:
    """Video frame: coded at a low bit rate, deblocked and enlarged.

    The frame is reduced, its 8 x 8 DCT quantized with one step for all frequencies as in H.264, and block edges are smoothed as
    by the loop filter of a video decoder.
    """
    reduction, step = reduction_step
    tables = [[step] * 64, [min(255, 3 * step // 2)] * 64]
    coded = _decode(_encode(reduced(pixels, reduction), "JPEG", qtables=tables, subsampling="4:2:0"))
    smooth = _deblocked(_deblocked(coded, step).swapaxes(0, 1), step).swapaxes(0, 1)
    return resized(smooth, pixels.shape, Image.Resampling.BILINEAR)


def _deblocked(pixels: Pixels, step: int) -> Pixels:
    """Smooth the vertical edges of 8 x 8 blocks; differences larger than the quantization step count as edges of the photo."""
    values = pixels.astype(np.int16)
    edges = np.arange(8, pixels.shape[1] - 3, 8)
    jump = values[:, edges] - values[:, edges - 1]
    jump[np.abs(jump) > step] = 0
    for distance, eighths in enumerate((4, 2, 1)):
        values[:, edges - 1 - distance] += jump * eighths // 8
        values[:, edges + distance] -= jump * eighths // 8
    return np.clip(values, 0, 255).astype(np.uint8)
