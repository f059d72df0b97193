"""The files of maps, and errors of writing them."""

import os
from pathlib import Path

import pytest

from noref import DamagedImage, images, quality_maps, sources
from pictures import make_scene


def targets(*places: str) -> list[str]:
    found = (sources.local(place, place) for place in places)
    return [str(item.target.relative_to("maps")) for item in quality_maps.with_targets(found, Path("maps"))]


def item(path: str, target: Path | None = None) -> quality_maps.Item:
    return quality_maps.Item.of(sources.local(path), target)


def test_without_a_folder_there_are_no_targets():
    [item] = quality_maps.with_targets(iter([sources.local("x/a.jpg")]), None)
    assert (item.name, item.place, item.target) == ("x/a.jpg", Path("a.jpg"), None)


def test_namesakes_get_numbers():
    assert targets("a.jpg", "deep/a.jpg", "a.jpg", "a.jpg") == ["a.jpg.png", "deep/a.jpg.png", "a.jpg.2.png", "a.jpg.3.png"]


def test_a_number_does_not_collide_with_a_name():
    assert targets("a.jpg.2", "a.jpg", "a.jpg") == ["a.jpg.2.png", "a.jpg.png", "a.jpg.3.png"]


@pytest.mark.parametrize("letter", ["x", "é", "写"])
def test_long_names_are_shortened_and_stay_distinct(letter):
    stem = letter * (250 // len(letter.encode()))
    found = targets(*(f"{stem}{end}.jpg"[-255:] for end in "ab"), f"{stem}a.jpg")
    assert len(set(found)) == 3
    assert all(230 < len(os.fsencode(name)) <= 255 for name in found)


def test_a_name_that_just_fits_is_kept():
    assert targets("x" * 251) == ["x" * 251 + ".png"]


@pytest.fixture
def reads(monkeypatch) -> list[object]:
    """What was read, one entry a time."""
    seen: list[object] = []
    read = images.read
    monkeypatch.setattr(images, "read", lambda source, **options: seen.append(source) or read(source, **options))
    return seen


def test_a_photo_is_read_once(scorer, save, tmp_path, reads):
    name = str(save("a.png", make_scene()))
    assessment = quality_maps.Work(scorer)(item(name, tmp_path / "maps" / "a.png"))
    assert assessment.warnings == ()
    assert reads == [name]
    assert (tmp_path / "maps" / "a.png").stat().st_size > 1000


@pytest.mark.parametrize("target", ["occupied", "photo.png/a.png", f"{'x' * 300}.png"])
def test_a_map_that_cannot_be_written_is_a_warning(scorer, save, tmp_path, target):
    name = str(save("photo.png", make_scene()))
    (tmp_path / "occupied").mkdir()
    plain = quality_maps.Work(scorer)(item(name))
    assessment = quality_maps.Work(scorer)(item(name, tmp_path / target))
    [warning] = assessment.warnings
    assert warning.startswith(f"its map could not be written to {tmp_path / target}: ")
    assert assessment.score == plain.score


def test_a_map_replaces_maps_only(scorer, save, tmp_path):
    name, other = str(save("photo.png", make_scene())), save("photo.png.png", make_scene(seed=1))
    before = other.read_bytes()
    [warning] = quality_maps.Work(scorer)(item(name, other)).warnings
    assert (
        warning
        == f"its map could not be written to {other}: a file that is no quality map has this name; choose another folder"
    )
    assert other.read_bytes() == before
    for _ in range(2):
        assert quality_maps.Work(scorer)(item(name, tmp_path / "map.png")).warnings == ()


def test_a_photo_that_cannot_be_read_is_an_error(scorer, save, tmp_path):
    cut = save("a.jpg", save("b.jpg", make_scene()).read_bytes()[:1000])
    with pytest.raises(DamagedImage):
        quality_maps.Work(scorer)(item(str(cut), tmp_path / "a.png"))
    assert not (tmp_path / "a.png").exists()
