"""Comparison of results folders of `noref lab evaluate`, with a significance test for each pair of methods."""

from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from noref.lab.errors import LabError
from noref.lab.files import read_csv
from noref.lab.metrics import significance
from noref.lab.metrics.agreement import agreement
from noref.resampling import holm

SPLITS = "corrected resampled t-test over random splits"
CONTENTS = "paired bootstrap t-test by content"

_NEEDED = {"parts", "seed", "fitted", "contents_learned", "contents_tested"}  # columns of splits.csv


def compare(folders: Sequence[Path]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Compare several results folders.

    Two methods are compared on each database on which they share splits, that is, the same photos in the same parts. The test
    is `SPLITS` if several random splits are shared and at least one of the methods is fitted in each; otherwise, it is
    `CONTENTS` (see `metrics.significance`).

    Returns:
        All results, with the name of their folder in the column `results`; and one row per database and pair of methods:
        `database`, `first`, `second`, `test` (its name), `splits` and `contents` (their numbers), `failed` (photos excluded
        from the test because a method failed on them), `difference` of SRCC (first minus second, averaged over the splits),
        `low` and `high` (95 % confidence interval), `p` (NaN if the test is undefined, for example with few contents) and
        `p_holm` (corrected for all rows of the table by the method of Holm). A pair that cannot be tested has "none: " and the
        reason as its test. The second table is empty if fewer than two methods have splits.

    Raises:
        LabError: A folder is given twice, holds no results, or was written by another version of noref; or two folders have
            another MOS or content for the same photo.
    """
    if len(set(folders)) < len(folders):
        raise LabError(f"{', '.join(map(str, folders))}: a folder is given twice; give each once")
    names = [folder.name for folder in folders]
    tables, splits = [], []
    for folder in folders:
        label = folder.name if names.count(folder.name) == 1 else str(folder)
        if not (folder / "results.csv").is_file():
            raise LabError(f"{folder} holds no results (results.csv is missing); run noref lab evaluate first")
        tables.append(read_csv(folder / "results.csv").assign(results=label))
        if (folder / "splits.csv").is_file():
            splits.append(_splits(folder, label))
    table = pd.concat(tables, ignore_index=True)
    table = table[["results", *(column for column in table if column != "results")]]
    tests = pd.DataFrame(_tests(pd.concat(splits, ignore_index=True)) if splits else [])
    return table, tests.assign(p_holm=holm(tests["p"])) if len(tests) else tests


def _splits(folder: Path, label: str) -> pd.DataFrame:
    found = read_csv(folder / "splits.csv")
    if not set(found) >= _NEEDED or found[[*_NEEDED]].isna().any(axis=None):
        raise LabError(f"{folder} holds results of another version of noref; repeat its `noref lab evaluate` first")
    number = found.groupby(["method", "database"]).cumcount()
    rows = zip(found["method"], found["database"], number, strict=True)
    found["predictions"] = [folder / method / database / f"split-{i:03}" / "predictions.csv" for method, database, i in rows]
    return found.assign(method=label + "/" + found["method"])


def _tests(splits: pd.DataFrame) -> Iterator[dict[str, Any]]:
    databases = {method: set(rows["database"]) for method, rows in splits.groupby("method", sort=False)}
    for first, second in combinations(databases, 2):
        if databases[first].isdisjoint(databases[second]):
            reason = "no database of one name; evaluate both on the same"
            yield {"database": "-", "first": first, "second": second, **_untested(reason)}
    for database, rows in splits.groupby("database"):
        for first, second in combinations(rows["method"].unique(), 2):
            one, other = (rows[rows["method"] == method] for method in (first, second))
            shared = pd.merge(one, other, on=["split", "parts", "seed", "contents_learned", "contents_tested"])
            yield {"database": database, "first": first, "second": second, **_test(shared)}


def _untested(reason: str, **facts: int) -> dict[str, Any]:
    counts = {"splits": 0, "contents": 0, "failed": 0, **facts}
    return {"test": f"none: {reason}", **counts, **dict.fromkeys(significance.Difference._fields, np.nan)}


def _test(shared: pd.DataFrame) -> dict[str, Any]:
    """Test two methods, whose columns end in _x and _y; one row per split."""
    if shared.empty:
        return _untested("no shared split; evaluate both on the same photos and contents, with one protocol, shares and seed")
    photos = pd.concat([_photos(row) for _, row in shared.iterrows()], ignore_index=True)
    scored = photos[np.isfinite(photos[["predicted_x", "predicted_y"]]).all(axis=1)]
    facts = {"splits": len(shared), "contents": scored["content"].nunique(), "failed": len(photos) - len(scored)}
    for side in ("x", "y"):
        undefined = shared[shared[f"srcc_{side}"].isna()]
        if len(undefined):
            method, split = undefined[[f"method_{side}", "split"]].iloc[0]
            what = f"{method} has no SRCC in {split} ({len(undefined)} in total)"
            return _untested(f"{what}, since its scores or the MOS are constant or missing", **facts)
    if shared["seed"].nunique() > 1 and shared[["fitted_x", "fitted_y"]].any(axis=None):
        ratio = float((shared["contents_tested"] / shared["contents_learned"]).mean())
        by_split = [part for _, part in scored.groupby("split", sort=False)]
        first, second = (
            [agreement(part[f"predicted_{side}"], part["mos"])["srcc"] for part in by_split] for side in ("x", "y")
        )
        if not np.isfinite([first, second]).all():
            return _untested("no SRCC on the photos of a split that both can score", **facts)
        return {"test": SPLITS, **facts, **significance.corrected_t(first, second, ratio)._asdict()}
    columns = (scored[name] for name in ("predicted_x", "predicted_y", "mos", "content", "split"))
    return {"test": CONTENTS, **facts, **significance.by_content(*columns)._asdict()}


def _photos(split: pd.Series) -> pd.DataFrame:
    """The test photos of a split with the predictions of both methods.

    Raises:
        LabError: The MOS or the content of a photo differs.
    """
    columns = ["image", "mos", "content", "predicted"]
    texts: dict[str, Any] = {"dtype": {"image": str, "content": str}, "keep_default_na": False, "na_values": [""]}
    files: list[Path] = [split[f"predictions_{side}"] for side in ("x", "y")]
    first, second = (read_csv(file, usecols=columns, **texts) for file in files)
    both = pd.merge(first, second, on="image", suffixes=("_x", "_y"))
    for column, name in (("mos", "MOS"), ("content", "contents")):
        other = both[both[f"{column}_x"] != both[f"{column}_y"]]
        if len(other):
            folders = " and ".join(str(file.parents[3]) for file in files)  # of FOLDER/METHOD/DATABASE/SPLIT/predictions.csv
            values = " and ".join(str(other[f"{column}_{side}"].iloc[0]) for side in ("x", "y"))
            raise LabError(
                f"{folders} have different {name} for {len(other)} photos of {split['split']}, such as "
                f"{other['image'].iloc[0]} ({values}); evaluate both on the same labels"
            )
    return both.rename(columns={"mos_x": "mos", "content_x": "content"}).assign(split=split["split"])
