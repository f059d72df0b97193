"""Who may learn from what: splits keyed by content, never by row."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from noref.lab.datasets.rated import RatedImages


def by_content(rated: RatedImages, shares: Mapping[str, float], seed: int) -> dict[str, RatedImages]:
    """Split so that all photos of one content stand on one side.

    Depends on the names of the contents and the seed only, not on the order of the rows.

    Args:
        rated: What to split.
        shares: Part name -> share of the contents; the shares must add up to 1.
        seed: Another seed, another split.

    Raises:
        ValueError: The shares do not add up to 1, or a part would be empty.
    """
    if abs(sum(shares.values()) - 1) > 1e-9:
        raise ValueError(f"the shares of a split must add up to 1, not {sum(shares.values()):g}")
    contents = np.array(sorted(rated.table["content"].unique()))
    order = np.random.default_rng(seed).permutation(len(contents))
    ends = np.rint(np.cumsum(list(shares.values())) * len(contents)).astype(int)
    parts = {}
    for name, chosen in zip(shares, np.split(contents[order], ends[:-1]), strict=True):
        rows = rated.table[rated.table["content"].isin(chosen)]
        if rows.empty:
            raise ValueError(f"{rated.name}: {len(contents)} contents are too few for a part {name!r} of {shares[name]:g}")
        parts[name] = rated.select(rows["image"].tolist())
    return parts


def as_table(parts: Mapping[str, RatedImages]) -> pd.DataFrame:
    """A split as text can hold it: columns `image` and `part`, sorted by image."""
    rows = [(image, name) for name, part in parts.items() for image in part.table["image"]]
    return pd.DataFrame(rows, columns=["image", "part"]).sort_values("image", ignore_index=True)
