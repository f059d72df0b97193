"""Photos with people's opinions: one module a database, one table (`rated.RatedImages`) out."""

from collections.abc import Callable
from pathlib import Path

from noref.lab.datasets import agiqa3k, biq2021, csiq, kadid10k, koniq10k, live, livec, livemd, spaq, table, tid
from noref.lab.datasets.card import DatabaseCard
from noref.lab.datasets.rated import RatedImages
from noref.lab.errors import LabError
from noref.lab.lookup import lookup

_Reader = Callable[[Path], RatedImages]
_READERS: tuple[tuple[DatabaseCard, _Reader], ...] = (
    (agiqa3k.CARD, agiqa3k.read),
    (biq2021.CARD, biq2021.read),
    (csiq.CARD, csiq.read),
    (kadid10k.CARD, kadid10k.read),
    (koniq10k.CARD, koniq10k.read),
    (koniq10k.ACR_CARD, koniq10k.read_acr),
    (live.CARD, live.read),
    (livec.CARD, livec.read),
    (livemd.CARD, livemd.read),
    (spaq.CARD, spaq.read),
    (table.CARD, table.read),
    (tid.TID2008, tid.read_tid2008),
    (tid.TID2013, tid.read_tid2013),
)
_DATABASES = {entry.name: (entry, reader) for entry, reader in _READERS}


def names() -> list[str]:
    """Names of the databases, sorted."""
    return sorted(_DATABASES)


def card(name: str) -> DatabaseCard:
    """The card of the database of that name.

    Raises:
        LabError: There is no database of that name; the message suggests near names.
    """
    return lookup("database", name, _DATABASES)[0]


def read(name: str, folder: str | Path) -> RatedImages:
    """Read the database of that name from a folder in the layout in which people download it.

    Raises:
        LabError: There is no database of that name (the message suggests near names); the folder lacks a file (the message says
            what was expected where), or one is not what its database publishes; or no photo is listed.
    """
    rated = lookup("database", name, _DATABASES)[1](Path(folder))
    if not len(rated):
        raise LabError(f"{name} at {folder} lists no photos; is the download complete?")
    return rated
