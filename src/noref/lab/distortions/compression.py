"""What codecs and broken transmission do."""

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


@distortion("compression")
def jpeg(pixels: Pixels, quality: int, rng: np.random.Generator) -> Pixels:
    """JPEG: blocks and ringing."""
    return _decode(_encode(pixels, "JPEG", quality=quality))


@distortion("compression")
def jpeg2000(pixels: Pixels, ratio: float, rng: np.random.Generator) -> Pixels:
    """JPEG 2000: smear and ringing."""
    return _decode(_encode(pixels, "JPEG2000", quality_mode="rates", quality_layers=[ratio], irreversible=True))


@distortion("compression")
def webp(pixels: Pixels, quality: int, rng: np.random.Generator) -> Pixels:
    """WebP: smooth patches and lost texture."""
    return _decode(_encode(pixels, "WEBP", quality=quality, method=4))


@distortion("compression")
def fast_fading(pixels: Pixels, strength: tuple[float, int], rng: np.random.Generator) -> Pixels:
    """Fast fading: bit errors in a JPEG 2000 stream.

    LIVE sent JPEG 2000 streams through a simulated Rayleigh channel. Here bits are flipped in the packet data behind the
    main header. The stream is ordered coarse to fine, so the earlier the first hit, the more of the picture it spoils.
    """
    first_hit, errors = strength
    stream = _encode(pixels, "JPEG2000", quality_mode="rates", quality_layers=[24], irreversible=True, progression="RLCP")
    start = stream.index(b"\xff\x93") + 2  # start of data: everything before it is header
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
            continue  # a packet header broke beyond decoding: the channel tries another pattern
    raise LabError(f"fast_fading: no pattern of {errors} bit errors left a decodable stream; use a larger photo")
