"""HEIC, through pillow-heif where it is installed; and what tells AVIF and HEIC apart, which share one container."""

from noref.errors import UnsupportedImage
from noref.images import pillow
from noref.images.photo import File, Photo

_AVIF = frozenset((b"avif", b"avis"))
_HEIF = frozenset((b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"))


def _brands(head: bytes) -> list[bytes]:
    """Major brand first, then the compatible ones."""
    if head[4:8] != b"ftyp":
        return []
    size = min(int.from_bytes(head[:4], "big"), len(head))
    return [head[8:12], *(head[at : at + 4] for at in range(16, size, 4))]


def is_avif(head: bytes) -> bool:
    """Whether a file begins as AVIF, also under a brand that HEIC shares."""
    brands = _brands(head)
    return bool(brands) and (brands[0] in _AVIF or (brands[0] in _HEIF and not _AVIF.isdisjoint(brands)))


def is_heif(head: bytes) -> bool:
    """Whether a file begins as HEIC."""
    return not _HEIF.isdisjoint(_brands(head)[:1])


def read(file: File) -> Photo:
    """Read HEIC.

    Raises:
        UnsupportedImage: pillow-heif is not installed.
        ImageError: Another of its kinds.
    """
    try:
        import pillow_heif
    except ImportError:
        raise UnsupportedImage(file.name, "HEIC needs a decoder", "pip install 'noref[heic]'") from None
    pillow_heif.register_heif_opener()
    return pillow.read(file, "HEIF")
