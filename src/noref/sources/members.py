"""A member of an archive, as the readers of archives give it."""

from collections.abc import Callable
from typing import NamedTuple

from noref.sources.found import LARGEST, Content, Identity


class Member(NamedTuple):
    """A member that is no folder.

    Attributes:
        name: In the archive.
        kind: Why it is no photo: "links" or "special files"; "" for a file.
        content: Gives its content, for the name of the photo in results. Valid until the next member is taken.
    """

    name: str
    kind: str
    content: Callable[[str], Content]


def identity(size: int, archive: Identity) -> Identity:
    """The state of a member of a size in an archive of a state: it changes whenever the archive does.

    An archive may state any size; one that no file has is as good as the largest.
    """
    return Identity(min(size, LARGEST), archive.modified, " ".join(filter(None, (str(archive.bytes), archive.version))))
