"""No content on two sides, whatever the seed and the order of the rows."""

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from noref.lab.datasets.rated import RatedImages
from noref.lab.evaluation.splits import as_table, by_content

SHARES = {"train": 0.7, "validation": 0.1, "test": 0.2}


def rated(contents: list[str]) -> RatedImages:
    table = pd.DataFrame({"image": [f"{i}.png" for i in range(len(contents))], "opinion": 1.0, "content": contents})
    return RatedImages("test", Path(), table, (0, 5))


@given(st.lists(st.integers(0, 40).map(str), min_size=1, max_size=200), st.integers(0, 1000))
def test_contents_are_never_split_and_nothing_is_lost(contents, seed):
    whole = rated(contents)
    if len(set(contents)) < 10:
        return
    parts = by_content(whole, SHARES, seed)
    sides = [set(part.table["content"]) for part in parts.values()]
    assert sum(map(len, sides)) == len(set(contents))
    assert set.union(*sides) == set(contents)
    assert sum(map(len, parts.values())) == len(whole)


def test_the_split_depends_on_names_and_seed_only():
    whole = rated([str(i // 2) for i in range(100)])
    shuffled = RatedImages("test", Path(), whole.table.sample(frac=1, random_state=3), (0, 5))
    first = as_table(by_content(whole, SHARES, 0))
    pd.testing.assert_frame_equal(first, as_table(by_content(shuffled, SHARES, 0)))
    assert not first.equals(as_table(by_content(whole, SHARES, 1)))
    assert first["part"].value_counts().to_dict() == {"train": 70, "validation": 10, "test": 20}


def test_impossible_splits_are_refused():
    with pytest.raises(ValueError, match="add up to 1, not"):
        by_content(rated(["a", "b"]), {"train": 0.9, "test": 0.3}, 0)
    with pytest.raises(ValueError, match="too few for a part 'test'"):
        by_content(rated(["a", "b"]), SHARES, 0)
