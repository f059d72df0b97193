"""Lossy compression, and bit errors in a compressed stream."""

import io
from typing import Any

import numpy as np
from PIL import Image

from noref.lab.distortions.registry import Pixels, distortion
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
