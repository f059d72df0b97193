"""Colours signalled by code points (ITU-T H.273): nclx of AVIF and HEIF, cICP of PNG, the cicp tag of ICC profiles."""

from typing import NamedTuple

import numpy as np

from noref.images import hdr, linear
from noref.images.linear import Chromaticities, Curve, Floats, ToSRGB

UNSPECIFIED = 2
_PQ, _HLG = 16, 18
_BT709, _BT2020 = 1, 9

_D65, _C, _DCI = (0.3127, 0.3290), (0.310, 0.316), (0.314, 0.351)
_PRIMARIES: dict[int, tuple[str, Chromaticities]] = {
    _BT709: ("BT.709", linear.SRGB),
    4: ("BT.470 M", (*_C, 0.67, 0.33, 0.21, 0.71, 0.14, 0.08)),
    5: ("BT.470 BG", (*_D65, 0.64, 0.33, 0.29, 0.60, 0.15, 0.06)),
    6: ("BT.601", (*_D65, 0.630, 0.340, 0.310, 0.595, 0.155, 0.070)),
    7: ("SMPTE 240M", (*_D65, 0.630, 0.340, 0.310, 0.595, 0.155, 0.070)),
    8: ("film", (*_C, 0.681, 0.319, 0.243, 0.692, 0.145, 0.049)),
    _BT2020: ("BT.2020", (*_D65, 0.708, 0.292, 0.170, 0.797, 0.131, 0.046)),
    11: ("DCI-P3", (*_DCI, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060)),
    12: ("Display P3", (*_D65, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060)),
    22: ("EBU 3213", (*_D65, 0.630, 0.340, 0.295, 0.605, 0.155, 0.077)),
}
_SRGB_LIKE = (1, 6, 7, 11, 12, 13, 14, 15)  # of cameras and video, which software shows as sRGB; 13 is sRGB
_CURVES: dict[int, Curve] = {
    **dict.fromkeys(_SRGB_LIKE, linear.srgb),
    4: linear.power(2.2),
    5: linear.power(2.8),
    8: linear.power(1.0),
    17: linear.power(2.6),
}


class Cicp(NamedTuple):
    """Code points of H.273.

    Attributes:
        primaries: Colour primaries.
        transfer: Transfer characteristics.
        narrow: Whether black is 16 and white 235 of 255; false where the decoder brings the range to 0 to 255.
    """

    primaries: int
    transfer: int
    narrow: bool = False

    @property
    def is_hdr(self) -> bool:
        """Whether the signal is PQ or HLG."""
        return self.transfer in (_PQ, _HLG)


class Conversion(NamedTuple):
    """A conversion of colours to sRGB (None if they are sRGB), and warnings."""

    to_srgb: ToSRGB | None = None
    warnings: tuple[str, ...] = ()


def conversion(code: Cicp) -> Conversion:
    """The conversion of colours signalled by `code`. Unspecified means sRGB, and so do unknown codes, with a warning."""
    primaries = code.primaries
    if primaries == UNSPECIFIED:
        primaries = _BT2020 if code.is_hdr else _BT709
    transfer = 13 if code.transfer == UNSPECIFIED else code.transfer
    if primaries not in _PRIMARIES or not (code.is_hdr or transfer in _CURVES):
        pair = f"colour primaries {code.primaries}, transfer {code.transfer}"
        return Conversion(None, (f"its colour code is unknown ({pair}); taken for sRGB",))
    name, chromaticities = _PRIMARIES[primaries]
    matrix = linear.matrix_to_srgb(chromaticities)
    if code.is_hdr:
        return _of_hdr(code, name, matrix, linear.luminance(chromaticities))
    if primaries == _BT709 and transfer in _SRGB_LIKE and not code.narrow:
        return Conversion()
    return Conversion(ToSRGB(_ranged(_CURVES[transfer], code.narrow), linear.by_matrix(matrix)))


def _of_hdr(code: Cicp, primaries: str, matrix: Floats, luminance: Floats) -> Conversion:
    if code.transfer == _PQ:
        name, to_srgb = "PQ", ToSRGB(_ranged(hdr.pq, code.narrow), hdr.of_display(matrix))
    else:
        name, to_srgb = "HLG", ToSRGB(_ranged(hdr.hlg, code.narrow), hdr.of_scene(matrix, luminance))
    return Conversion(to_srgb, (f"HDR ({name}, {primaries}) converted to SDR",))


def _ranged(curve: Curve, narrow: bool) -> Curve:
    return (lambda signal: curve(((signal * 255 - 16) / 219).astype(np.float32))) if narrow else curve
