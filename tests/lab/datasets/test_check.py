"""Missing, unreadable and near-identical photos are found; photos that only share a hash are not near-identical."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from noref import images
from noref.lab.datasets.check import check, join_contents, join_scenes, near_pairs_across
from noref.lab.datasets.rated import RatedImages
from noref.lab.errors import LabError
from noref.lab.evaluation.splits import by_content
from pictures import make_scene


def rated(folder: Path, contents: dict[str, str], **columns: object) -> RatedImages:
    table = pd.DataFrame({"image": list(contents), "mos": np.linspace(1, 4, len(contents)), "content": contents.values()})
    return RatedImages("test", folder, table.assign(**columns), (0, 5))


@pytest.fixture(scope="module")
def photos(tmp_path_factory) -> Path:
    """Eight scenes, three near-identical copies of the first (JPEG, smaller, slightly brighter), and uniform ones."""
    folder = tmp_path_factory.mktemp("photos")
    for seed in range(8):
        Image.fromarray(make_scene(120, 160, seed)).save(folder / f"{seed}.png")
    first = Image.open(folder / "0.png")
    first.save(folder / "0.jpg", quality=40)
    first.resize((120, 90)).save(folder / "small.png")
    first.point(lambda value: min(255, value + 4)).save(folder / "brighter.png")
    for grey in (0, 90, 128, 255):
        Image.new("L", (64, 64), grey).save(folder / f"flat{grey}.png")
    Image.fromarray(np.tile(np.linspace(100, 104, 64).astype(np.uint8), (64, 1))).save(folder / "faint.png")
    return folder


def test_report_counts(photos):
    contents = {"0.png": "a", "1.png": "a", "gone.png": "b"}
    found = check(
        rated(photos, contents, reference=["2.png", "2.png", "lost.png"], type=["jpeg", "jpeg", "blur"], part="train")
    )
    assert (found.images, found.contents, found.references) == (3, 2, 2)
    assert found.types == {"blur": 1, "jpeg": 2}
    assert found.parts == {"train": 3}
    assert found.mos_range == (0, 5)
    assert found.observed == (1, 4)
    assert found.missing == (photos / "gone.png", photos / "lost.png")
    assert found.unreadable == found.near_pairs == ()


def test_near_identical_photos_are_found_unless_they_share_a_content(photos):
    twins = ["0.png", "0.jpg", "small.png", "brighter.png"]
    others = [f"{seed}.png" for seed in range(1, 8)]
    pairs = check(rated(photos, {name: name for name in twins + others})).near_pairs
    assert {(pair.first.name, pair.second.name) for pair in pairs} == {
        (a, b) for i, a in enumerate(twins) for b in twins[i + 1 :]
    }
    assert pairs[0].sides == ("0.png", "0.jpg")
    assert check(rated(photos, dict.fromkeys(twins, "first") | {name: name for name in others})).near_pairs == ()


def test_uniform_photos_are_not_near_identical(photos):
    names = ["flat0.png", "flat90.png", "flat128.png", "flat255.png", "faint.png"]
    assert check(rated(photos, {name: name for name in names})).near_pairs == ()


def test_photos_are_read_as_for_scoring(photos, tmp_path):
    """16-bit grey and HEIC included."""
    pillow_heif = pytest.importorskip("pillow_heif")
    for seed in (1, 2):
        grey = make_scene(120, 160, seed)[..., 0].astype(np.uint16) * 200 + 10_000
        Image.fromarray(grey).save(tmp_path / f"{seed}.png")
    pillow_heif.from_pillow(Image.open(photos / "3.png")).save(tmp_path / "3.heic", quality=90)
    Image.open(photos / "3.png").save(tmp_path / "3.png")
    found = check(rated(tmp_path, {name: name for name in ("1.png", "2.png", "3.heic", "3.png")}))
    assert found.unreadable == ()
    assert [(pair.first.name, pair.second.name) for pair in found.near_pairs] == [("3.heic", "3.png")]


def test_a_photo_that_cannot_be_read_is_reported(photos, tmp_path):
    (tmp_path / "a.png").write_bytes(b"no picture")
    (tmp_path / "b.png").write_bytes((photos / "1.png").read_bytes()[:2000])
    whole = rated(tmp_path, {"a.png": "a", "b.png": "b"})
    assert check(whole).unreadable == (tmp_path / "a.png", tmp_path / "b.png")
    with pytest.raises(LabError, match=r"2 photos cannot be read, such as .*a\.png"):
        near_pairs_across({"train": whole.paths})


def test_near_identical_photos_across_a_split_are_found_whatever_their_content(photos):
    train = rated(photos, {"0.png": "a", "1.png": "b"})
    test = rated(photos, {"0.jpg": "a", "2.png": "c"})
    (pair,) = near_pairs_across({"train": train.paths, "test": test.paths})
    assert (pair.first, pair.second) == (photos / "0.png", photos / "0.jpg")
    assert pair.sides == ("train", "test")
    assert pair.bits <= 10
    assert 0 < pair.difference <= 12
    assert near_pairs_across({"train": train.paths, "test": test.select(["2.png"]).paths}) == []


def test_joined_contents_stay_on_one_side_of_a_split(photos):
    whole = rated(photos, {name: name for name in ["0.png", "0.jpg", "small.png", *(f"{seed}.png" for seed in range(1, 8))]})
    joined = join_contents(whole, (pair.sides for pair in check(whole).near_pairs))
    assert joined.table["content"].tolist()[:3] == ["0.jpg"] * 3
    assert joined.table["content"].nunique() == 8
    assert check(joined).near_pairs == ()
    for seed in range(5):
        parts = by_content(joined, {"train": 0.5, "test": 0.5}, seed)
        assert near_pairs_across({name: part.paths for name, part in parts.items()}) == []
    assert join_contents(joined, ()).table.equals(joined.table)


def test_many_photos_are_compared_in_blocks(photos, monkeypatch):
    monkeypatch.setattr("noref.lab.datasets.check._CELLS", 20)
    names = ["1.png", "2.png", "0.png", "3.png", "4.png", "0.jpg"]
    (pair,) = check(rated(photos, {name: name for name in names})).near_pairs
    assert (pair.first.name, pair.second.name) == ("0.png", "0.jpg")


def test_scenes_join_contents_and_never_divide_them(photos, tmp_path):
    """Photos that cannot be compared keep the content that they share with others."""
    for name in ("0.png", "0.jpg", "brighter.png", "1.png", "2.png"):
        (tmp_path / name).write_bytes((photos / name).read_bytes())
    (tmp_path / "bad.png").write_bytes(b"no picture")
    contents = {"0.png": "d", "0.jpg": "c", "brighter.png": "b", "1.png": "a", "2.png": "a", "bad.png": "d", "gone.png": "e"}
    whole = rated(tmp_path, contents)
    assert join_scenes(whole, check(whole)).table["content"].tolist() == ["b", "b", "b", "a", "a", "b", "e"]


def test_scenes_are_compared_by_deep_features_of_the_readable_photos(photos):
    whole = rated(photos, {name: name for name in ("gone.png", "0.png", "1.png")})
    asked = []

    def deep(paths):
        asked.extend(paths)
        return np.ones((len(paths), 4), np.float32)

    join_scenes(whole, check(whole), deep)
    assert asked == [photos / "0.png", photos / "1.png"]


def test_a_photo_is_decoded_again_only_after_a_change(tmp_path, monkeypatch):
    paths = [tmp_path / f"{seed}.png" for seed in range(4)]
    for seed, path in enumerate(paths):
        Image.fromarray(make_scene(80, 96, seed)).save(path)
    opened: list[Path] = []
    read = images.read
    monkeypatch.setattr(images, "read", lambda path, **options: opened.append(path) or read(path, **options))
    sides = {"train": paths[:2], "test": paths[2:]}
    for _ in range(2):
        assert near_pairs_across(sides) == []
    assert sorted(opened) == paths
    paths[0].write_bytes(paths[2].read_bytes())
    assert [pair[:2] for pair in near_pairs_across(sides)] == [(paths[0], paths[2])]
    assert opened[4:] == paths[:1]
    paths[0].unlink()
    with pytest.raises(LabError, match="cannot be read"):
        near_pairs_across(sides)
