"""Sources of images: files, folders (searched recursively), and lists of paths; local or remote, plain or in archives.

`find` gives the photos of all sources one by one. `parts` gives units for work in other processes: photos with a file of their
own, and files that hold many, each of which `photos_of` opens wherever it was sent to.
"""

from noref.sources.contents import Failed, Held, LocalFile, Named, local
from noref.sources.finding import Collection, Part, find, is_local, parts, photos_in, photos_of
from noref.sources.folders import described, images_below
from noref.sources.found import UNKNOWN, Content, File, Found, Identity, is_gone, lasting
from noref.sources.lists import lines
from noref.sources.prefetch import ahead, looked_up
from noref.urls import is_url, shown

__all__ = [
    "UNKNOWN",
    "Collection",
    "Content",
    "Failed",
    "File",
    "Found",
    "Held",
    "Identity",
    "LocalFile",
    "Named",
    "Part",
    "ahead",
    "described",
    "find",
    "images_below",
    "is_gone",
    "is_local",
    "is_url",
    "lasting",
    "lines",
    "local",
    "looked_up",
    "parts",
    "photos_in",
    "photos_of",
    "shown",
]
