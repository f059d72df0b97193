"""What a database is: one card each, and the one place where its numbers are turned so that higher is better."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class DatabaseCard:
    """Facts of a database of photos with people's opinions.

    Attributes:
        name: What commands call it.
        title: What its authors call it.
        citation: The publication to cite.
        licence: The authors' terms, or that none were found.
        published_range: Lowest and highest number that the database publishes or can publish, in its own direction.
        higher_is_better: Direction of the published numbers. True for a MOS; False for a DMOS.
        images: Photos with opinions.
        references: Undistorted originals that the photos were made from; 0 where there are none.
        source: Where users get it.
        layout: The files that a reader expects, in words that follow "expected".
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

    @property
    def direction(self) -> str:
        """Which way the published numbers run and what becomes of them, in words."""
        if self.higher_is_better:
            return "MOS, higher is better"
        return f"DMOS, lower is better; opinion = {self.published_range[1]:g} - DMOS"

    @property
    def mos_range(self) -> tuple[float, float]:
        """Lowest and highest opinion, higher is better: the published scale, or 0 to its length where it is turned round."""
        low, high = self.published_range
        return self.published_range if self.higher_is_better else (0.0, high - low)

    def mos(self, published: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Published numbers as opinions: as they are, or subtracted from the high end, so that higher is better."""
        numbers = np.asarray(published, np.float64)
        return numbers if self.higher_is_better else self.published_range[1] - numbers
