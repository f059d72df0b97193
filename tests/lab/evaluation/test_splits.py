"""Splits are content-disjoint for any seed and order of the rows."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from noref.lab.datasets.rated import RatedImages
from noref.lab.errors import LabError
from noref.lab.evaluation import splits
from noref.lab.evaluation.splits import LeakError, as_table, by_content
from pictures import make_scene

SHARES = {"train": 0.7, "validation": 0.1, "test": 0.2}


def rated(contents: list[str], folder: Path = Path(), **columns: object) -> RatedImages:
    table = pd.DataFrame({"image": [f"{i}.png" for i in range(len(contents))], "mos": 1.0, "content": contents})
    return RatedImages("test", folder, table.assign(**columns), (0, 5))


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
    turned = {name: SHARES[name] for name in reversed(SHARES)}
    pd.testing.assert_frame_equal(first, as_table(by_content(whole, turned, 0)))
    assert not first.equals(as_table(by_content(whole, SHARES, 1)))
    assert first["part"].value_counts().to_dict() == {"train": 70, "validation": 10, "test": 20}


def test_impossible_splits_are_refused():
    with pytest.raises(LabError, match="add up to 1, not"):
        by_content(rated(["a", "b"]), {"train": 0.9, "test": 0.3}, 0)
    for share in (-0.5, 0.0, float("nan")):
        with pytest.raises(LabError, match=f"the share of the part 'train' is {share:g}; give a number above 0"):
            by_content(rated(["a", "b"]), {"train": share, "test": 1 - share}, 0)
    with pytest.raises(LabError, match="too few for a part 'test'"):
        by_content(rated(["a", "b"]), SHARES, 0)


def test_repeats_are_the_splits_of_consecutive_seeds():
    whole = rated([str(i // 2) for i in range(40)])
    found = [as_table(parts) for parts in splits.repeats(whole, SHARES, 3, seed=5)]
    assert len(found) == 3
    pd.testing.assert_frame_equal(found[2], as_table(by_content(whole, SHARES, 7)))
    assert not found[0].equals(found[1])


def test_the_official_split_is_that_of_the_database():
    whole = rated(list("abcd"), part=["test", "train", "train", "test"])
    parts = splits.official(whole)
    assert {name: part.table["image"].tolist() for name, part in parts.items()} == {
        "train": ["1.png", "2.png"],
        "test": ["0.png", "3.png"],
    }
    with pytest.raises(LabError, match="no official split"):
        splits.official(rated(list("abcd")))


def test_contents_in_two_parts_of_the_official_split_are_not_trained_on():
    whole = rated(list("abcaab"), part=["train", "train", "train", "test", "test", "validation"])
    with pytest.warns(UserWarning, match="test: 2 photos of train share a content with a later part"):
        parts = splits.official(whole)
    assert {name: part.table["image"].tolist() for name, part in parts.items()} == {
        "train": ["2.png"],
        "validation": ["5.png"],
        "test": ["3.png", "4.png"],
    }
    splits.guard(parts, look_at_pictures=False)


@pytest.mark.parametrize("held_out", ["test", "validation"])
def test_external_images_show_no_held_out_photo(held_out, tmp_path):
    for seed in range(4):
        Image.fromarray(make_scene(80, 96, seed)).save(tmp_path / f"{seed}.png")
    pristine = tmp_path / "pristine"
    pristine.mkdir()
    Image.open(tmp_path / "3.png").save(pristine / "copy.jpg", quality=80)
    noise = np.random.default_rng(0).integers(0, 256, (80, 96, 3), dtype=np.uint8)  # distorted beyond recognition
    Image.fromarray(noise).save(tmp_path / "1.png")
    whole = rated(["a", "b", "c"], tmp_path, reference=["0.png", "3.png", None])
    other = "validation" if held_out == "test" else "test"
    parts = {name: whole.select([f"{i}.png"]) for i, name in enumerate(("train", held_out, other))}
    splits.guard(parts, external=[tmp_path / "0.png"])
    with pytest.raises(LeakError, match=rf"3\.png in {held_out} and .*copy\.jpg in external images are near-identical"):
        splits.guard(parts, external=[pristine / "copy.jpg"])
    splits.guard(parts, external=[pristine / "copy.jpg"], look_at_pictures=False)
    for image in ("1.png", "3.png"):
        with pytest.raises(LeakError, match=rf"image .*{image} is in {held_out} and in external images"):
            splits.guard(parts, external=[tmp_path / image], look_at_pictures=False)


def test_a_type_that_is_left_out_is_tested_alone_and_on_other_contents():
    contents = [str(i // 5) for i in range(100)]
    whole = rated(contents, type=["blur", "noise", "jpeg", "blur", None] * 20)
    found = splits.leave_one_type_out(whole, SHARES, 0)
    assert list(found) == ["blur", "jpeg", "noise"]
    for kind, parts in found.items():
        splits.guard(parts, look_at_pictures=False)
        assert set(parts["test"].table["type"]) == {kind}
        assert kind not in {*parts["train"].table["type"], *parts["validation"].table["type"]}
        assert parts["train"].table["type"].isna().any()
    assert len(found["blur"]["test"]) == 2 * len(found["jpeg"]["test"]) == 8
    with pytest.raises(LabError, match="no distortion types"):
        splits.leave_one_type_out(rated(contents), SHARES, 0)
    with pytest.raises(LabError, match="leaving blur out leaves nothing to learn from"):
        splits.leave_one_type_out(rated(contents, type="blur"), SHARES, 0)


def test_an_image_or_content_on_two_sides_is_refused():
    whole = rated(list("aabbcc"))
    sides = {"train": whole.select(["0.png", "2.png"]), "test": whole.select(["4.png", "5.png"])}
    splits.guard(sides, look_at_pictures=False)
    with pytest.raises(LeakError, match=r"content a is in train and in test \(2 in total\)"):
        splits.guard({**sides, "test": whole.select(["1.png", "3.png", "4.png"])}, look_at_pictures=False)
    with pytest.raises(LeakError, match=r"image .*2\.png is in train and in validation"):
        splits.guard({**sides, "validation": whole.select(["2.png"])}, look_at_pictures=False)


def test_contents_of_two_databases_are_strangers_but_one_file_is_one_image(tmp_path):
    here, there = rated(list("ab"), tmp_path / "x"), rated(list("ab"), tmp_path / "y")
    splits.guard({"train": here, "test": there}, look_at_pictures=False)
    renamed = RatedImages("other", here.folder, here.table.assign(content=["c", "d"]), (0, 5))
    with pytest.raises(LeakError, match=r"0\.png is in train and in test"):
        splits.guard({"train": here, "test": renamed}, look_at_pictures=False)


def test_two_spellings_of_one_path_are_one_image(tmp_path, monkeypatch):
    Image.fromarray(make_scene(80, 96, 0)).save(tmp_path / "0.png")
    monkeypatch.chdir(tmp_path)
    whole = rated(["a"])
    for look in (False, True):
        with pytest.raises(LeakError, match=r"0\.png is in test and in external images"):
            splits.guard({"test": whole}, external=[tmp_path / "0.png"], look_at_pictures=look)


def test_a_copy_under_another_name_is_refused(tmp_path):
    for i, seed in enumerate([1, 2, 3, 1]):
        Image.fromarray(make_scene(96, 128, seed)).save(tmp_path / f"{i}.png")
    (tmp_path / "4.png").write_bytes(b"no picture")
    whole = rated(list("abcde"), tmp_path)
    splits.guard({"train": whole.select(["0.png", "1.png"]), "test": whole.select(["2.png", "4.png"])})
    copied = {"train": whole.select(["0.png", "1.png"]), "test": whole.select(["2.png", "3.png"])}
    splits.guard(copied, look_at_pictures=False)
    with pytest.raises(LeakError, match=r"0\.png in train and .*3\.png in test are near-identical .* the same content$"):
        splits.guard(copied)
    copied["test"] = replace(copied["test"], name="other")  # contents of two databases are not compared
    with pytest.raises(LeakError, match=r"are near-identical \(1 pairs in total\); remove one of them$"):
        splits.guard(copied)
