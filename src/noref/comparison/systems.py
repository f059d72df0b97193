"""Systems to compare, from results files: one name, one model and view for all."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from noref.errors import ComparisonError
from noref.store import Record, Results, Settings


@dataclass(frozen=True)
class System:
    """A system: the results of its pictures.

    Attributes:
        name: How it is called in the comparison.
        settings: How its pictures were scored.
        card: The card of the model as plain JSON types.
        records: Yields all records, each time it is called, with maps and thumbnails (True) or without (False).
        root: The folder to which the names of its pictures are relative, with a separator at its end; None for the folder that
            holds them all.
    """

    name: str
    settings: Settings
    card: Mapping[str, Any]
    records: Callable[[bool], Iterable[Record]]
    root: str | None = None

    @classmethod
    def of(cls, store: Results, name: str, settings: Settings | None = None, root: str | None = None) -> "System":
        """The results in a store, under some settings; None for those used last.

        Raises:
            ComparisonError: It holds no results.
        """
        found = settings or next(iter(store.settings()), None)
        if found is None:
            raise ComparisonError(f"{store.path}: it holds no results; write some with `noref score PHOTOS --out {store.path}`")
        card = store.cards()[found.model_sha256]
        return cls(name, found, card, lambda pictures: store.records(settings=found, pictures=pictures), root)

    @property
    def model(self) -> str:
        """Name and version of the model."""
        return f"{self.card['name']} {self.card['version']}"


def common_settings(stores: Sequence[Results], wanted: Iterable[Settings] | None = None) -> Settings:
    """The first settings, of those wanted, under which all stores hold results; by default, those used last in the first store.

    Raises:
        ComparisonError: There are none.
    """
    for settings in stores[0].settings() if wanted is None else wanted:
        if all(settings in store.settings() for store in stores):
            return settings
    texts = []
    for store in stores:
        cards = store.cards()
        under = " and ".join(described(each, cards[each.model_sha256]) for each in store.settings())
        texts.append(f"{store.path} has results of {under}" if under else f"{store.path} holds no results")
    given = "" if wanted is None else ", those given"
    raise ComparisonError(
        f"pictures must be scored alike, under the same model, --view and --exact{given}: {'; '.join(texts)};"
        " choose others with --model, --view and --exact, or score again"
    )


def described(settings: Settings, card: Mapping[str, Any]) -> str:
    """Model, view and exactness in words."""
    return f"{card['name']} {card['version']}, {settings.words}"


def distinct_names(places: Sequence[str]) -> list[str]:
    """Short names of files and folders: without folder and extension where these differ, otherwise as given.

    Raises:
        ComparisonError: One is given twice.
    """
    for short in (_stem, os.path.basename, str):
        names = [short(os.path.normpath(place)) for place in places]
        if len(set(names)) == len(names):
            return names
    raise ComparisonError(f"{', '.join(places)}: one is given twice; give each once")


def _stem(place: str) -> str:
    name = os.path.basename(place)
    return name if os.path.isdir(place) else os.path.splitext(name)[0]
