"""The M test: does the score fall when the same distortion of the same photo grows by two levels?

The step is two levels, since adjacent ones may be indistinguishable. The test is ours and not published.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

STEP = 2  # levels


@dataclass(frozen=True, eq=False)
class Monotonicity:
    """Result of the M test.

    Attributes:
        value: Mean over types of the share of pairs whose score falls, 0 to 1; NaN where no type has pairs.
        failed: Number of photos without a score.
        types: One row per type, in alphabetical order: `type`, `share` (of its pairs whose score falls; NaN where it has none),
            `pairs`, `falling`, `failed` (pairs in which a photo has no score; none of them falls), and the share of each step,
            "0 to 2" and so on.
    """

    value: float
    failed: int
    types: pd.DataFrame

    def as_row(self) -> pd.DataFrame:
        """A row for the table of `waterloo.all_tests`. Its `n` counts pairs, those with a failed photo included."""
        table = self.types.set_index("type")
        steps, pairs = table.filter(like=" to "), int(table["pairs"].sum())
        note = f"{table['share'].isna().sum()} types without such levels left out"
        if pairs:
            step = steps.min().idxmin()
            kind = steps[step].idxmin()
            least = f"worst type: {table['share'].idxmin()} {table['share'].min():.3f}"
            note = f"{least}; worst step: {kind} {step} {steps.loc[kind, step]:.3f}; {note}"
        row = {"test": "M", "value": self.value, "n": pairs, "failed": self.failed, "note": note}
        return pd.DataFrame([row])


def m_test(scores: npt.ArrayLike, contents: npt.ArrayLike, types: npt.ArrayLike, levels: npt.ArrayLike) -> Monotonicity:
    """Share of pairs whose score falls from each level to the next but one, for every type of distortion.

    A pair is a content under a type at one level and at two levels more; the pristine photo is level 0 of every type of its
    content. Equal scores do not fall, nor does a pair in which a photo has no score.

    Args:
        scores: n scores, higher is better; NaN or infinite where the method failed.
        contents: n labels.
        types: n labels, missing for a pristine photo.
        levels: n whole numbers, higher is worse; ignored for a pristine photo.

    Raises:
        ValueError: The lengths differ.

    Examples:
        >>> found = m_test([80, 60, 70, 40], contents=["a"] * 4, types=[None, "jpeg", "jpeg", "jpeg"], levels=[0, 1, 2, 3])
        >>> found.value, found.types[["type", "pairs", "falling"]].to_numpy().tolist()
        (1.0, [['jpeg', 2, 2]])
    """
    table = pd.DataFrame({"score": np.asarray(scores, np.float64), "content": contents, "type": types, "level": levels})
    table["score"] = table["score"].where(np.isfinite(table["score"]))  # -inf would be lower than anything
    pristine, worse = table[table["type"].isna()], table.dropna(subset="type")
    start = pristine[["score", "content"]].merge(worse[["content", "type"]].drop_duplicates(), on="content").assign(level=0)
    every = pd.concat([start, worse])
    pairs = every.assign(level=every["level"] + STEP).merge(every, on=["content", "type", "level"], suffixes=("_before", ""))
    pairs["falls"] = pairs["score"] < pairs["score_before"]
    pairs["failed"] = pairs[["score", "score_before"]].isna().any(axis=1)
    steps = pairs["level"].map(lambda level: f"{level - STEP:g} to {level:g}").rename("step")
    shares = pairs["falls"].groupby([pairs["type"], steps]).mean().unstack()
    found = pairs.groupby("type").agg(
        share=("falls", "mean"), pairs=("falls", "size"), falling=("falls", "sum"), failed=("failed", "sum")
    )
    found = found.join(shares).reindex(sorted(worse["type"].unique()))
    counts = ["pairs", "falling", "failed"]
    found[counts] = found[counts].fillna(0).astype(int)
    failed = int(table["score"].isna().sum())
    return Monotonicity(float(found["share"].mean()), failed, found.rename_axis("type").reset_index())
