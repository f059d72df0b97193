"""The registry of databases: declared by a decorator on a reader, looked up by name."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeVar

from noref.lab.datasets.card import DatabaseCard
from noref.lab.datasets.rated import RatedImages
from noref.lab.errors import LabError
from noref.lab.lookup import lookup

Reader = TypeVar("Reader", bound=Callable[..., RatedImages])


class _Database(NamedTuple):
    card: DatabaseCard
    reader: Callable[..., RatedImages]


_DATABASES: dict[str, _Database] = {}


def database(card: DatabaseCard) -> Callable[[Reader], Reader]:
    """Register a reader, a function of a folder, under the name on its card.

    A reader module looks like this::

        CARD = DatabaseCard(name="mine", ...)

        @database(CARD)
        def read(folder: str | Path) -> RatedImages:
            folder = require(folder, "scores.csv", layout=CARD.layout)
            table = read_csv(folder / "scores.csv")  # columns image, mos, content
            return RatedImages(CARD.name, folder, table.assign(mos=CARD.mos(table["mos"])), CARD.mos_range)
    """

    def register(reader: Reader) -> Reader:
        _DATABASES[card.name] = _Database(card, reader)
        return reader

    return register


def names() -> list[str]:
    """Names of the databases, sorted.

    Examples:
        >>> from noref.lab import datasets
        >>> datasets.names()[:3]
        ['agiqa3k', 'biq2021', 'csiq']
    """
    return sorted(_DATABASES)


def card(name: str) -> DatabaseCard:
    """The card of the database of that name.

    Raises:
        LabError: There is no database of that name; the message suggests similar names.

    Examples:
        >>> from noref.lab import datasets
        >>> card = datasets.card("csiq")
        >>> card.images, card.references, card.direction
        (866, 30, 'DMOS, lower is better; MOS = 1 - DMOS')
    """
    return lookup("database", name, _DATABASES).card


def read(name: str, folder: str | Path) -> RatedImages:
    r"""Read a database from a folder in its published layout.

    Args:
        name: One of `names`.
        folder: The folder that `DatabaseCard.layout` describes.

    Returns:
        The table of photos and scores; MOS is within `DatabaseCard.mos_range`, and higher is better.

    Raises:
        LabError: There is no database of that name (the message suggests similar names), a file is missing (the message
            describes the expected layout) or does not hold what the database publishes, or no photo is listed.

    Examples:
        >>> import pathlib, tempfile
        >>> from noref.lab import datasets
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = pathlib.Path(folder, "labels.csv").write_text("image,mos,low,high\na.png,2.5,1,5\nb.png,4.0,1,5\n")
        ...     rated = datasets.read("table", folder)
        >>> len(rated), rated.mos_range, rated.mos.tolist(), rated.unit_mos.tolist()
        (2, (1.0, 5.0), [2.5, 4.0], [0.375, 0.75])
    """
    rated = lookup("database", name, _DATABASES).reader(Path(folder))
    if not len(rated):
        raise LabError(f"{name} at {folder} lists no photos; check that the download is complete")
    return rated
