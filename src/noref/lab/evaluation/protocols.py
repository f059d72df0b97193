"""Evaluation protocols: which photos a method is fitted to, and which it is tested on.

A protocol is a list of `Split`; `run` evaluates any method on it. Each split writes `split-000/` with `split.csv` (image,
part), `predictions.csv` (the test photos with `predicted` and `failed`) and `fit/` (the files of the method's `fit`);
`protocol.json` records method and splits. An interrupted run resumes at the first incomplete split.
"""

import hashlib
import json
import math
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd

from noref.drafts import draft
from noref.errors import ImageError
from noref.lab.datasets.rated import PARTS, RatedImages
from noref.lab.errors import LabError
from noref.lab.evaluation import splits
from noref.lab.evaluation.fixed import Fixed
from noref.lab.files import access, digest, make_folder, read_text, write_text
from noref.lab.methods.base import ScoringMethod

T = TypeVar("T")

VALIDATION_SHARE = 0.1  # share of the training contents for validation, if a protocol has no validation part


@dataclass(frozen=True, eq=False)
class Split:
    """One split of the data.

    Attributes:
        name: Unique within the protocol, such as "seed 3" or the type that is left out.
        seed: Random seed of the split.
        parts: `train`, `validation` and `test`; only `test` for methods without training.
    """

    name: str
    seed: int
    parts: Mapping[str, RatedImages]


@dataclass(frozen=True, eq=False)
class SplitResult:
    """The result on one split.

    Attributes:
        name, seed: As in `Split`.
        predictions: The table of the test part with `predicted` (NaN if the method failed) and `failed` (the reason, or empty).
        resumed: Whether the predictions are from an earlier run.
    """

    name: str
    seed: int
    predictions: pd.DataFrame
    resumed: bool


def whole(rated: RatedImages) -> list[Split]:
    """A single split with all photos in the test part, for methods that need no fit."""
    return [Split(rated.name, 0, {"test": rated})]


def single(rated: RatedImages, shares: Mapping[str, float], seed: int = 0) -> list[Split]:
    """One split by content: `random_splits` of 1."""
    return random_splits(rated, shares, 1, seed)


def random_splits(rated: RatedImages, shares: Mapping[str, float], k: int = 10, seed: int = 0) -> list[Split]:
    """Several splits by content with consecutive seeds; papers usually report the median over them.

    Args:
        rated: The database.
        shares: Shares of the contents, such as train 0.8 and test 0.2, or train 0.6, validation 0.2 and test 0.2. Without a
            validation part, a tenth of the training contents becomes one.
        k: Number of splits.
        seed: Seed of the first split.

    Raises:
        LabError: `shares` lacks train or test, names another part, or does not fit the database.

    Examples:
        >>> table = pd.DataFrame({"image": ["a", "b", "c"], "mos": [1, 2, 3], "content": ["sea", "sky", "wood"]})
        >>> rated = RatedImages("mine", Path("photos"), table, mos_range=(1, 5))
        >>> [split.name for split in random_splits(rated, {"train": 0.4, "validation": 0.3, "test": 0.3}, k=3, seed=7)]
        ['seed 7', 'seed 8', 'seed 9']
    """
    found = splits.repeats(rated, _checked(shares), k, seed)
    return [_split(f"seed {seed + i}", seed + i, parts) for i, parts in enumerate(found)]


def official(rated: RatedImages, seed: int = 0) -> list[Split]:
    """The database's published split; without a validation part, a tenth of the training contents becomes one.

    Raises:
        LabError: The database has no official split, or one without training or test part.
    """
    parts = splits.official(rated)
    _checked(parts)
    return [_split("official", seed, parts)]


def cross_database(train_on: RatedImages, test_on: RatedImages, seed: int = 0) -> list[Split]:
    """Train on one database, with a tenth of its contents for validation, and test on all of another one."""
    return [_split(f"{train_on.name} to {test_on.name}", seed, {"train": train_on, "test": test_on})]


def leave_one_type_out(rated: RatedImages, shares: Mapping[str, float], seed: int = 0) -> list[Split]:
    """One split per distortion type, tested on that type only, and content-disjoint (`splits.leave_one_type_out`).

    Raises:
        LabError: As `random_splits`, or the database has no types.
    """
    found = splits.leave_one_type_out(rated, _checked(shares), seed)
    return [_split(kind, seed, parts) for kind, parts in found.items()]


def run(
    build: Callable[[], ScoringMethod[Any]], protocol: Sequence[Split], folder: Path, *, look_at_pictures: bool = True
) -> Iterator[SplitResult]:
    """Evaluate a method on the splits of a protocol, with a newly built method for each split.

    A photo that cannot be read, or for which the score is not finite, becomes a failed row; any other error ends the run.

    Args:
        build: Builds the unfitted method, such as `Recipe.build`.
        protocol: Splits, from one of the functions above.
        folder: Results folder; splits with complete predictions are read, not computed again.
        look_at_pictures: Also refuse splits with near-identical images in two parts, which opens every photo; never done where
            nothing is learned.

    Yields:
        The result of each split when it is complete, in order.

    Raises:
        LabError: `folder` holds results of another method, protocol or database, or cannot be written; or the protocol has
            no training part, but the method must be fitted.
        LeakError: A split leaks (`splits.guard`).
    """
    unfitted = build()
    if not unfitted.ready and any("train" not in split.parts for split in protocol):
        raise LabError(f"{unfitted.name} must be fitted; choose a protocol with a training part")
    if unfitted.learns and unfitted.ready and any("train" not in split.parts for split in protocol):
        what = f"the protocol has no training part, so {unfitted.name} has the parameters that ship or that its settings name"
        warnings.warn(f"{what}; if these were fitted on this database, the agreement is that on training photos", stacklevel=2)
    make_folder(folder)
    _claim(folder, unfitted, protocol)
    for i, split in enumerate(protocol):
        home, test = folder / f"split-{i:03}", split.parts["test"]
        known = _complete(home / "predictions.csv", test)
        if known is not None:
            yield SplitResult(split.name, split.seed, known, resumed=True)
            continue
        method = build()
        if method.learns and "train" in split.parts:  # else nothing can leak
            splits.guard(split.parts, external=method.external_images(), look_at_pictures=look_at_pictures)
        home.mkdir(exist_ok=True)
        _write(splits.as_table(split.parts), home / "split.csv")
        predictions = predict_each(_fitted(method, split, home / "fit"), test)
        _write(predictions, home / "predictions.csv")
        yield SplitResult(split.name, split.seed, predictions, resumed=False)


def predict_each(method: ScoringMethod[Any], rated: RatedImages) -> pd.DataFrame:
    """Predict the scores of photos one at a time, so that a photo that fails does not affect the others.

    Returns:
        The table of `rated` with `predicted` (NaN if the method failed) and `failed` (the reason, or empty).
    """
    predicted: list[float] = []
    failed: list[str] = []
    for path in rated.paths:
        try:
            score, why = float(method.predict([path])[0]), ""
        except ImageError as error:
            score, why = math.nan, str(error)
        valid = math.isfinite(score)
        predicted.append(score if valid else math.nan)
        failed.append("" if valid else why or f"the predicted score is {score}")
    return rated.table.assign(predicted=predicted, failed=failed)


def _checked(shares: Mapping[str, T]) -> Mapping[str, T]:
    if not {"train", "test"} <= set(shares) <= set(PARTS):
        raise LabError(f"a split has the parts train, test and optionally validation, not {', '.join(shares)}")
    return shares


def _split(name: str, seed: int, parts: Mapping[str, RatedImages]) -> Split:
    if "validation" in parts:
        return Split(name, seed, parts)
    learned = splits.by_content(parts["train"], {"train": 1 - VALIDATION_SHARE, "validation": VALIDATION_SHARE}, seed)
    return Split(name, seed, {**learned, "test": parts["test"]})


def _fitted(method: ScoringMethod[Any], split: Split, folder: Path) -> ScoringMethod[Any]:
    if "train" in split.parts:
        return method.fit(split.parts["train"], split.parts["validation"], folder)
    return method


def _claim(folder: Path, method: ScoringMethod[Any], protocol: Sequence[Split]) -> None:
    """Record method and protocol in the folder; refuse a folder that holds results of others."""
    paths = {path for split in protocol for part in split.parts.values() for path in part.paths}
    files = {path: _content(path) for path in paths}
    listed = [
        {"name": split.name, "seed": split.seed, **{name: _state(part, files) for name, part in split.parts.items()}}
        for split in protocol
    ]
    known = {"fingerprint": method.fingerprint()} if isinstance(method, Fixed) else {}
    if external := method.external_images():
        known["external"] = digest(external)
    facts = {"method": method.name, "params": method.get_params(), **known, "splits": listed}
    content = json.dumps(facts, indent=2, default=str) + "\n"
    claim = folder / "protocol.json"
    if claim.exists():
        if read_text(claim) != content:
            raise LabError(
                f"{folder} holds results of another method, protocol or database; choose another folder, or delete it"
            )
        return
    with access(claim, "choose another results folder"):
        write_text(claim, content)


def _content(path: Path) -> str:
    try:
        return digest([path])
    except OSError:  # a table of scores needs no photos, and for other methods it becomes a failed row
        return ""


def _state(part: RatedImages, files: Mapping[Path, str]) -> str:
    """What identifies a part, with the digests of its files."""
    content = part.table.to_csv(index=False) + " ".join(files[path] for path in part.paths)
    return f"{part.name}, {len(part)} photos, {hashlib.sha256(content.encode()).hexdigest()[:16]}"


def _complete(file: Path, test: RatedImages) -> pd.DataFrame | None:
    """The predictions of an earlier run, joined to the table; None unless they are for exactly these photos."""
    if not file.is_file():
        return None
    found = pd.read_csv(file, usecols=["image", "predicted", "failed"], dtype=str, keep_default_na=False)
    if found["image"].tolist() != test.table["image"].tolist():
        return None
    # Python's float restores the written value exactly; some versions of pandas do not.
    predicted = [float(text or "nan") for text in found["predicted"]]
    return test.table.assign(predicted=predicted, failed=found["failed"].tolist())


def _write(table: pd.DataFrame, file: Path) -> None:
    with draft(file) as unfinished:
        table.to_csv(unfinished, index=False)
