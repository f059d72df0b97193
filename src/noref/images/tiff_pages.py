"""Which page of a TIFF file is the photo, and whether the file is camera raw."""

from typing import NamedTuple

from noref.images.tiff_directory import Chain, Directory
from noref.images.tiff_page import Page
from noref.images.tiff_tags import Tag

_PREVIEW = 4  # a first page with so many times fewer pixels than another one is a preview
_REDUCED, _MASKS = 1, 4 | 8  # bits of NewSubfileType; 8 is a depth map
_OLD_REDUCED = 2  # of SubfileType
_MASK = 4  # of NewSubfileType, and as photometric interpretation
_RAW_PHOTOMETRICS = frozenset((32803, 34892))  # colour filter array, linear raw
_RAW_COMPRESSIONS = frozenset((262, 32767, 32769, 32770, 34713, 65000, 65535))  # Kodak, Sony, Samsung, Nikon, Pentax
_LEAF_METADATA = 34310


class Choice(NamedTuple):
    """The page that is the photo, and warnings where the file has other photos."""

    page: Page
    warnings: tuple[str, ...]


def choose(chain: Chain) -> Choice | None:
    """The first page that is neither reduced nor a mask; or a much larger one, if the first is an undeclared preview."""
    frames = [one for one in chain.directories if _has_pixels(one)]
    every = frames + [one for one in chain.children if _has_pixels(one)]
    if not every:
        return None
    full = [one for one in every if not _kind(one)] or [one for one in every if _kind(one) & _REDUCED] or every
    first, largest = full[0], max(full, key=_pixels)
    preview = _pixels(first) * _PREVIEW <= _pixels(largest)
    count = sum(not _kind(one) for one in frames)
    warnings = []
    if count > 1:
        which = "the largest" if preview else "the first"
        warnings.append(f"only {which} of {'' if chain.whole else 'at least '}{count} frames was read")
    elif not chain.whole:
        warnings.append("a pointer to a further page leads nowhere and was ignored")
    return Choice(Page.of(largest if preview or _kind(first) else first), tuple(warnings))


def is_raw(head: bytes, chain: Chain) -> bool:
    """Whether a TIFF file is camera raw; its other pages are then previews."""
    if head[8:10] == b"CR" or head[8:12] in (b"IIII", b"MMMM"):  # Canon; Phase One
        return True
    return any(
        Tag.DNG_VERSION in one
        or _LEAF_METADATA in one
        or one.integer(Tag.PHOTOMETRIC, -1) in _RAW_PHOTOMETRICS
        or one.integer(Tag.COMPRESSION, 1) in _RAW_COMPRESSIONS
        for one in chain.directories + chain.children
    )


def _kind(directory: Directory) -> int:
    """0 of a page at full resolution, else which of the bits above are set."""
    if Tag.NEW_SUBFILE_TYPE in directory:
        kind = directory.integer(Tag.NEW_SUBFILE_TYPE, 0)
    else:
        kind = _REDUCED if directory.integer(Tag.SUBFILE_TYPE, 1) == _OLD_REDUCED else 0
    return kind & (_REDUCED | _MASKS) | (_MASK if directory.integer(Tag.PHOTOMETRIC, -1) == _MASK else 0)


def _pixels(directory: Directory) -> int:
    return directory.integer(Tag.WIDTH, 0) * directory.integer(Tag.HEIGHT, 0)


def _has_pixels(directory: Directory) -> bool:
    return Tag.WIDTH in directory and Tag.HEIGHT in directory
