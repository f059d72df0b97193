"""How a method is put to the test: which photos it learns from, which it is judged on, and what remains of each run.

A protocol is a list of `Split`; `run` takes any method through it. Each split leaves `split-000/` with `split.csv` (image,
part), `predictions.csv` (the test photos with `predicted` and `failed`) and in `fit/` what the method's own `fit` keeps;
`protocol.json` says what was run. The same command goes on at the split where an interrupted one stopped.
"""

import hashlib
import json
import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd

from noref.errors import ImageError
from noref.lab.datasets.rated import PARTS, RatedImages
from noref.lab.errors import LabError
from noref.lab.evaluation import splits
from noref.lab.evaluation.fixed import Fixed
from noref.lab.files import access, make_folder, read_text
from noref.lab.methods.base import ScoringMethod

T = TypeVar("T")

VALIDATION_SHARE = 0.1  # of the training contents, where a protocol names no validation part


@dataclass(frozen=True, eq=False)
class Split:
    """Who learns from what, once.

    Attributes:
        name: What sets it apart within its protocol, such as "seed 3" or the type left out.
        seed: That made it.
        parts: `train`, `validation` and `test`; `test` alone where nothing is learned.
    """

    name: str
    seed: int
    parts: Mapping[str, RatedImages]


@dataclass(frozen=True, eq=False)
class SplitResult:
    """What a split left.

    Attributes:
        name, seed: Of the split.
        predictions: The test part's table with `predicted` (NaN where the method failed) and `failed` (why; else empty).
        resumed: Whether they were there before.
    """

    name: str
    seed: int
    predictions: pd.DataFrame
    resumed: bool


def whole(rated: RatedImages) -> list[Split]:
    """All photos at once, nothing to learn from: for scorers that need no fitting (`fixed`)."""
    return [Split(rated.name, 0, {"test": rated})]


def single(rated: RatedImages, shares: Mapping[str, float], seed: int = 0) -> list[Split]:
    """One split by content: `random_splits` of 1."""
    return random_splits(rated, shares, 1, seed)


def random_splits(rated: RatedImages, shares: Mapping[str, float], k: int = 10, seed: int = 0) -> list[Split]:
    """Several splits by content, of consecutive seeds; papers state the median over them.

    Args:
        rated: The database.
        shares: Of the contents: train 0.8 and test 0.2, say, or train 0.6, validation 0.2 and test 0.2. Without a validation
            part, a tenth of the training contents is set aside as one.
        k: How many.
        seed: Of the first.

    Raises:
        LabError: `shares` lacks train or test, names another part, or does not fit the database.
    """
    found = splits.repeats(rated, _checked(shares), k, seed)
    return [_split(f"seed {seed + i}", seed + i, parts) for i, parts in enumerate(found)]


def official(rated: RatedImages, seed: int = 0) -> list[Split]:
    """The database's published split; without a validation part, `seed` sets aside a tenth of the training contents as one.

    Raises:
        LabError: The database has none, or it has other parts than train, validation and test.
    """
    parts = splits.official(rated)
    _checked(parts)
    return [_split("official", seed, parts)]


def cross_database(train_on: RatedImages, test_on: RatedImages, seed: int = 0) -> list[Split]:
    """Learn from one database, with a tenth of its contents for validation; be judged on all of another."""
    return [_split(f"{train_on.name} to {test_on.name}", seed, {"train": train_on, "test": test_on})]


def leave_one_type_out(rated: RatedImages, shares: Mapping[str, float], seed: int = 0) -> list[Split]:
    """One split a distortion type, judged on it alone; contents are kept apart too (`splits.leave_one_type_out`).

    Raises:
        LabError: As `random_splits`, or the database has no types.
    """
    found = splits.leave_one_type_out(rated, _checked(shares), seed)
    return [_split(kind, seed, parts) for kind, parts in found.items()]


def run(
    build: Callable[[], ScoringMethod[Any]], protocol: Sequence[Split], folder: Path, *, look_at_pictures: bool = True
) -> Iterator[SplitResult]:
    """Take a method through a protocol, split by split, each with a method built anew.

    A photo that cannot be read, or that the method has no finite score for, becomes a failed row; any other error ends the run.

    Args:
        build: Makes the method, unfitted, such as `Recipe.build`.
        protocol: From one of the functions above.
        folder: Where everything is kept; splits whose predictions are complete there are read, not computed again.
        look_at_pictures: Also refuse splits with near-identical pictures in two parts; opens every photo. Not done for scorers
            that learn nothing (`fixed`).

    Yields:
        Results as each split is done, in order.

    Raises:
        LabError: `folder` holds results of another method, protocol or database, or cannot be written; or the protocol trains
            on nothing, but the method must be fitted.
        LeakError: A split leaks (`splits.guard`).
    """
    make_folder(folder)
    _claim(folder, build(), protocol)
    for i, split in enumerate(protocol):
        home, test = folder / f"split-{i:03}", split.parts["test"]
        known = _complete(home / "predictions.csv", test)
        if known is not None:
            yield SplitResult(split.name, split.seed, known, resumed=True)
            continue
        method = build()
        if not isinstance(method, Fixed):  # what learns nothing cannot learn from a copy of a test photo either
            splits.guard(split.parts, external=method.external_images(), look_at_pictures=look_at_pictures)
        home.mkdir(exist_ok=True)
        _write(splits.as_table(split.parts), home / "split.csv")
        predictions = predict_each(_fitted(method, split, home / "fit"), test)
        _write(predictions, home / "predictions.csv")
        yield SplitResult(split.name, split.seed, predictions, resumed=False)


def predict_each(method: ScoringMethod[Any], rated: RatedImages) -> pd.DataFrame:
    """A method's scores of photos, one at a time, so that one bad photo costs one row.

    Returns:
        The table of `rated` with `predicted` (NaN where it failed) and `failed` (why, in words; else empty).
    """
    predicted: list[float] = []
    failed: list[str] = []
    for path in rated.paths:
        try:
            score, why = float(method.predict([path])[0]), ""
        except ImageError as error:
            score, why = math.nan, str(error)
        sound = math.isfinite(score)
        predicted.append(score if sound else math.nan)
        failed.append("" if sound else why or f"the method answered {score}")
    return rated.table.assign(predicted=predicted, failed=failed)


def _checked(shares: Mapping[str, T]) -> Mapping[str, T]:
    if not {"train", "test"} <= set(shares) <= set(PARTS):
        raise LabError(f"a split has the parts train, test and perhaps validation, not {', '.join(shares)}")
    return shares


def _split(name: str, seed: int, parts: Mapping[str, RatedImages]) -> Split:
    if "validation" in parts:
        return Split(name, seed, parts)
    learning = splits.by_content(parts["train"], {"train": 1 - VALIDATION_SHARE, "validation": VALIDATION_SHARE}, seed)
    return Split(name, seed, {**learning, "test": parts["test"]})


def _fitted(method: ScoringMethod[Any], split: Split, folder: Path) -> ScoringMethod[Any]:
    if "train" in split.parts:
        return method.fit(split.parts["train"], split.parts["validation"], folder)
    if not isinstance(method, Fixed):
        raise LabError(f"{method.name} must be fitted; choose a protocol with a training part")
    return method


def _claim(folder: Path, method: ScoringMethod[Any], protocol: Sequence[Split]) -> None:
    """Results of two methods or protocols must not mix: write down which this is, or refuse."""
    listed = [
        {"name": split.name, "seed": split.seed, **{name: _state(part) for name, part in split.parts.items()}}
        for split in protocol
    ]
    known = {"fingerprint": method.fingerprint()} if isinstance(method, Fixed) else {}
    facts = {"method": method.name, "params": method.get_params(), **known, "splits": listed}
    content = json.dumps(facts, indent=2, default=str) + "\n"
    claim = folder / "protocol.json"
    if claim.exists() and read_text(claim) != content:
        raise LabError(f"{folder} holds results of another method, protocol or database; choose another folder, or delete it")
    with access(claim, "choose another results folder"):
        claim.write_text(content)


def _state(part: RatedImages) -> str:
    return f"{part.name}, {len(part)} photos, {hashlib.sha256(part.table.to_csv(index=False).encode()).hexdigest()[:16]}"


def _complete(file: Path, test: RatedImages) -> pd.DataFrame | None:
    """The predictions of an earlier run beside the table as it is now; None unless they are for exactly these photos."""
    if not file.is_file():
        return None
    found = pd.read_csv(file, usecols=["image", "predicted", "failed"], dtype=str, keep_default_na=False)
    if found["image"].tolist() != test.table["image"].tolist():
        return None
    # Python's float gives back exactly what was written; not every pandas does.
    predicted = [float(text or "nan") for text in found["predicted"]]
    return test.table.assign(predicted=predicted, failed=found["failed"].tolist())


def _write(table: pd.DataFrame, file: Path) -> None:
    """Whole or not at all: an interrupt must not leave a file that looks complete."""
    unfinished = file.with_suffix(".part")
    table.to_csv(unfinished, index=False)
    os.replace(unfinished, file)
