"""Every protocol measures agreement correctly, counts failures, and resumes."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from noref.errors import ImageNotFound
from noref.lab.datasets.rated import RatedImages
from noref.lab.errors import LabError
from noref.lab.evaluation import protocols, summary
from noref.lab.evaluation.fixed import ExportedModel, ScoreTable
from noref.lab.evaluation.splits import LeakError
from noref.lab.methods.base import ScoringMethod
from pictures import make_scene

SHARES = {"train": 0.8, "test": 0.2}


def database(name: str = "one", contents: int = 100) -> RatedImages:
    """Five photos of each content, which nobody opens."""
    rng = np.random.default_rng(len(name))
    n = 5 * contents
    table = pd.DataFrame(
        {
            "image": [f"{i}.png" for i in range(n)],
            "mos": rng.uniform(1, 5, n),
            "content": [str(i // 5) for i in range(n)],
            "type": ["blur", "blur", "blur", "jpeg", "jpeg"] * contents,
            "part": ["test" if i // 5 % 4 == 0 else "train" for i in range(n)],
        }
    )
    return RatedImages(name, Path("/photos") / name, table, (1, 5))


ONE, OTHER = database(), database("other")
PROTOCOLS = {
    "single": protocols.single(ONE, SHARES),
    "random": protocols.random_splits(ONE, SHARES, 3),
    "60/20/20": protocols.random_splits(ONE, {"train": 0.6, "validation": 0.2, "test": 0.2}, 2, seed=7),
    "official": protocols.official(ONE),
    "cross": protocols.cross_database(OTHER, ONE),
    "one type out": protocols.leave_one_type_out(ONE, SHARES),
}


class Parrot(ScoringMethod[None]):
    """Predicts given scores; records the parts it is fitted to."""

    name = "parrot"

    def __init__(self, rated: RatedImages, sign: float = 1, seed: int | None = None) -> None:
        told = sign * rated.mos if seed is None else np.random.default_rng(seed).random(len(rated))
        self.seed = 0
        self.answers, self.fits, self.asked = dict(zip(rated.paths, told, strict=True)), [], 0

    def get_params(self) -> dict[str, object]:
        return {}

    def save(self, folder):
        raise NotImplementedError

    @classmethod
    def load(cls, folder):
        raise NotImplementedError

    def fit(self, rated, validation, folder):
        self.fits.append((rated, validation, folder))
        return self

    def predict(self, images):
        self.asked += len(images)
        if missing := [image for image in images if image not in self.answers]:
            raise ImageNotFound(str(missing[0]), "no such file", "look elsewhere")
        return np.array([self.answers[image] for image in images])


def run(method, protocol, folder, **options) -> list[protocols.SplitResult]:
    return list(protocols.run(lambda: method, protocol, folder, look_at_pictures=False, **options))


@pytest.mark.parametrize("name", PROTOCOLS)
@pytest.mark.parametrize(("told", "expected"), [({}, 1), ({"sign": -1}, -1), ({"seed": 0}, 0)])
def test_the_mos_itself_has_srcc_1_its_negative_minus_1_and_noise_0(name, told, expected, tmp_path):
    judged = run(Parrot(ONE, **told), PROTOCOLS[name], tmp_path)
    table = summary.by_split({split.name: split.predictions for split in judged})
    close = 0.5 if expected == 0 else 1e-3  # noise over a few dozen photos strays
    for figure in ("srcc", "krcc", "plcc", "plcc_fitted"):
        assert table[figure].tolist() == pytest.approx([expected] * len(table), abs=close)
    if expected:
        assert table["srcc"].tolist() == pytest.approx([expected] * len(table), abs=1e-12)
    assert (table["failed"] == 0).all()


@pytest.mark.parametrize("name", PROTOCOLS)
def test_training_validation_and_test_are_strangers(name, tmp_path):
    method = Parrot(ONE)
    judged = run(method, PROTOCOLS[name], tmp_path)
    assert len(judged) == len(method.fits) == len(PROTOCOLS[name])
    for i, (split, (train, validation, folder)) in enumerate(zip(judged, method.fits, strict=True)):
        sides = [{(part.name, content) for content in part.table["content"]} for part in (train, validation)]
        sides.append({("one", content) for content in split.predictions["content"]})
        assert all(sides)
        assert len(set.union(*sides)) == sum(map(len, sides))
        assert folder == tmp_path / f"split-{i:03}" / "fit"


def test_shares_are_of_the_contents():
    ((split,), (three, _)) = PROTOCOLS["single"], PROTOCOLS["60/20/20"]
    assert {name: len(part) for name, part in split.parts.items()} == {"train": 360, "validation": 40, "test": 100}
    assert {name: len(part) for name, part in three.parts.items()} == {"train": 300, "validation": 100, "test": 100}
    assert [split.name for split in PROTOCOLS["60/20/20"]] == ["seed 7", "seed 8"]
    assert [split.name for split in PROTOCOLS["one type out"]] == ["blur", "jpeg"]
    assert len(PROTOCOLS["cross"][0].parts["test"]) == len(ONE)
    with pytest.raises(LabError, match="the parts train, test and optionally validation, not train, rest"):
        protocols.single(ONE, {"train": 0.5, "rest": 0.5})


def test_a_run_writes_text_and_resumes(tmp_path):
    first = run(Parrot(ONE), PROTOCOLS["random"], tmp_path)
    assert not any(split.resumed for split in first)
    split = pd.read_csv(tmp_path / "split-001" / "split.csv")
    assert split["part"].value_counts().to_dict() == {"train": 360, "validation": 40, "test": 100}
    written = (tmp_path / "split-001" / "predictions.csv").read_text()
    assert written.startswith("image,mos,content,type,part,predicted,failed\n")

    (tmp_path / "split-001" / "predictions.csv").unlink()
    again = Parrot(ONE)
    second = run(again, PROTOCOLS["random"], tmp_path)
    assert (len(again.fits), again.asked) == (1, 100)
    assert [split.resumed for split in second] == [True, False, True]
    assert (tmp_path / "split-001" / "predictions.csv").read_text() == written
    for before, after in zip(first, second, strict=True):
        pd.testing.assert_frame_equal(before.predictions, after.predictions)
        assert (before.name, before.seed) == (after.name, after.seed)


def test_an_interrupted_split_is_done_again_and_finished_ones_are_kept(tmp_path):
    class Interrupted(Parrot):
        def predict(self, images):
            if self.asked == 150:
                raise KeyboardInterrupt
            return super().predict(images)

    with pytest.raises(KeyboardInterrupt):
        run(Interrupted(ONE), PROTOCOLS["random"], tmp_path)
    again = Parrot(ONE)
    assert [split.resumed for split in run(again, PROTOCOLS["random"], tmp_path)] == [True, False, False]
    assert again.asked == 200


def test_a_table_cut_short_is_not_taken_for_complete(tmp_path):
    run(Parrot(ONE), PROTOCOLS["single"], tmp_path)
    file = tmp_path / "split-000" / "predictions.csv"
    file.write_text("".join(file.read_text().splitlines(keepends=True)[:-1]))
    again = Parrot(ONE)
    run(again, PROTOCOLS["single"], tmp_path)
    assert again.asked == 100


def test_a_full_disk_does_not_lose_what_the_folder_holds(full_disk, tmp_path):
    with full_disk(), pytest.raises(LabError, match=r"protocol\.json: No space left on device; choose another results folder"):
        run(Parrot(ONE), PROTOCOLS["single"], tmp_path)
    run(Parrot(ONE), PROTOCOLS["single"], tmp_path)
    with full_disk():
        (judged,) = run(Parrot(ONE), PROTOCOLS["single"], tmp_path)
    assert judged.resumed
    assert run(Parrot(ONE), PROTOCOLS["single"], tmp_path)[0].resumed


@pytest.mark.parametrize("what", ["method", "protocol", "opinions"])
def test_results_of_two_runs_do_not_mix(what, tmp_path):
    run(Parrot(ONE), PROTOCOLS["single"], tmp_path)
    method, protocol = Parrot(ONE), PROTOCOLS["single"]
    if what == "method":
        method.get_params = lambda: {"sign": 1}
    elif what == "protocol":
        protocol = protocols.single(ONE, SHARES, seed=1)
    else:
        changed = RatedImages("one", ONE.folder, ONE.table.assign(mos=2.0), (1, 5))
        protocol = protocols.single(changed, SHARES)
    with pytest.raises(LabError, match="another method, protocol or database"):
        run(method, protocol, tmp_path)


def test_results_of_changed_photos_or_training_images_are_not_resumed(tmp_path):
    rated = RatedImages("one", tmp_path, ONE.table, (1, 5))
    (tmp_path / "0.png").write_bytes(b"photo")
    run(Parrot(rated), protocols.single(rated, SHARES), tmp_path / "out")
    (tmp_path / "0.png").write_bytes(b"other")  # of the same size
    with pytest.raises(LabError, match="another method, protocol or database"):
        run(Parrot(rated), protocols.single(rated, SHARES), tmp_path / "out")
    (tmp_path / "0.png").write_bytes(b"photo")
    method, external = Parrot(rated), tmp_path / "external.bmp"
    method.external_images = lambda: [external]
    external.write_bytes(b"clean")
    with pytest.raises(LabError, match="another method, protocol or database"):
        run(method, protocols.single(rated, SHARES), tmp_path / "out")
    run(method, protocols.single(rated, SHARES), tmp_path / "external")
    external.write_bytes(b"other")
    with pytest.raises(LabError, match="another method, protocol or database"):
        run(method, protocols.single(rated, SHARES), tmp_path / "external")


def test_failed_photos_are_rows_with_a_reason(tmp_path):
    method = Parrot(ONE)
    test = PROTOCOLS["single"][0].parts["test"]
    del method.answers[test.paths[0]]
    method.answers[test.paths[3]] = float("nan")
    for _ in range(2):  # computed, then read
        (judged,) = run(method, PROTOCOLS["single"], tmp_path)
        failed = judged.predictions[judged.predictions["predicted"].isna()]
        assert failed["failed"].tolist() == [f"{test.paths[0]}: no such file; look elsewhere", "the predicted score is nan"]
        assert (judged.predictions["failed"] == "").sum() == 98
        found = summary.measures(judged.predictions)
        assert (found["n"], found["failed"], found["srcc"]) == (98, 2, pytest.approx(1))


def test_other_errors_are_bugs_and_end_the_run(tmp_path):
    class Broken(Parrot):
        def predict(self, images):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(Broken(ONE), PROTOCOLS["single"], tmp_path)


def test_leaks_are_refused_before_training(tmp_path):
    method = Parrot(ONE)
    leaking = [protocols.Split("leak", 0, {**PROTOCOLS["single"][0].parts, "validation": ONE.select(["0.png", "101.png"])})]
    with pytest.raises(LeakError, match="is in train and in validation"):
        run(method, leaking, tmp_path)
    assert not method.fits


@pytest.fixture
def photos(tmp_path) -> RatedImages:
    """Twelve scenes; one file is no picture, one is not there."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for seed in range(12):
        Image.fromarray(make_scene(80, 96, seed)).save(folder / f"{seed}.png")
    (folder / "3.png").write_bytes(b"no picture")
    (folder / "5.png").unlink()
    names = [f"{i}.png" for i in range(12)]
    return RatedImages("tiny", folder, pd.DataFrame({"image": names, "mos": np.arange(12.0), "content": names}), (0, 11))


def test_photos_that_cannot_be_read_are_failed_rows(photos, tmp_path):
    names = photos.table["image"].tolist()
    parts = {"train": names[6:10], "validation": names[10:], "test": names[:6]}
    protocol = [protocols.Split("mine", 0, {name: photos.select(images) for name, images in parts.items()})]
    (judged,) = protocols.run(ExportedModelInDisguise, protocol, tmp_path / "out")
    assert judged.predictions["predicted"].notna().tolist() == [True, True, True, False, True, False]
    assert "not an image" in judged.predictions["failed"][3]
    assert "no such file" in judged.predictions["failed"][5]

    (photos.folder / "7.png").write_bytes((photos.folder / "1.png").read_bytes())
    with pytest.raises(LeakError, match="near-identical"):
        list(protocols.run(ExportedModelInDisguise, protocol, tmp_path / "other"))


class ExportedModelInDisguise(ScoringMethod[None]):
    """Not `Fixed`, so that a protocol takes it for a method that learns."""

    name = "disguise"

    def __init__(self) -> None:
        self.inside = ExportedModel("diqa")

    def get_params(self):
        return self.inside.get_params()

    def predict(self, images):
        return self.inside.predict(images)

    def fit(self, rated, validation, folder):
        return self

    def save(self, folder):
        raise NotImplementedError

    @classmethod
    def load(cls, folder):
        raise NotImplementedError


def test_scorers_without_training_use_the_same_protocols(photos, tmp_path):
    scores = photos.table[["image"]].assign(score=-photos.mos).drop(index=2)
    scores.to_csv(tmp_path / "scores.csv", index=False)

    def build() -> ScoreTable:
        return ScoreTable(tmp_path / "scores.csv", photos.folder)

    (judged,) = protocols.run(build, protocols.whole(photos), tmp_path / "whole")
    found = summary.measures(judged.predictions)
    assert (found["n"], found["failed"], found["srcc"]) == (11, 1, pytest.approx(-1))
    assert "has no score in" in judged.predictions["failed"][2]
    shares = {"train": 0.5, "validation": 0.1, "test": 0.4}
    repeated = list(protocols.run(build, protocols.random_splits(photos, shares, 2), tmp_path / "random"))
    assert [len(split.predictions) for split in repeated] == [5, 5]
    scores.assign(score=photos.mos[scores.index]).to_csv(tmp_path / "scores.csv", index=False)
    with pytest.raises(LabError, match="another method"):  # the same file's name, but other scores
        list(protocols.run(build, protocols.whole(photos), tmp_path / "whole"))
    with pytest.raises(LabError, match="parrot must be fitted"):
        run(Parrot(photos), protocols.whole(photos), tmp_path / "wrong")
