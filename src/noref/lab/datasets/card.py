"""The card of a database: its facts, and the conversion of its published scores to a MOS, higher is better."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class DatabaseCard:
    """Facts about a database of rated photos.

    Attributes:
        name: Its name in commands.
        title: Its name in publications.
        citation: The publication to cite.
        licence: The authors' terms, or that none were found.
        published_range: Lowest and highest score of the published scale, in its own direction.
        higher_is_better: Direction of the published scores: True for a MOS, False for a DMOS.
        images: Number of rated photos.
        references: Number of pristine originals that the photos were made from; 0 where there are none.
        source: Where to download it.
        layout: The files that the reader expects, as a phrase that follows "expected".
        note: What to mind when figures on it are read or compared; empty where nothing special is known.

    Examples:
        >>> from noref.lab import datasets
        >>> card = datasets.card("csiq")  # DMOS from 0 to 1
        >>> card.mos_range, card.mos([0.1, 0.9]).round(3).tolist()
        ((0.0, 1.0), [0.9, 0.1])
    """

    name: str
    title: str
    citation: str
    licence: str
    published_range: tuple[float, float]
    higher_is_better: bool
    images: int
    references: int
    source: str
    layout: str
    note: str = ""

    @property
    def direction(self) -> str:
        """The direction of the published scores, and their conversion, as a phrase."""
        if self.higher_is_better:
            return "MOS, higher is better"
        return f"DMOS, lower is better; MOS = {self.published_range[1]:g} - DMOS"

    @property
    def mos_range(self) -> tuple[float, float]:
        """Lowest and highest MOS: the published range, or 0 to its length where the published scores are a DMOS."""
        low, high = self.published_range
        return self.published_range if self.higher_is_better else (0.0, high - low)

    def mos(self, published: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Convert published scores to MOS: a MOS is unchanged, a DMOS is subtracted from the upper end of its range."""
        scores = np.asarray(published, np.float64)
        return scores if self.higher_is_better else self.published_range[1] - scores
