"""The drawing of a map: one fixed scale, the photo in its own shape and colours."""

import numpy as np
import pytest
from PIL import Image

from noref import Assessment, Defect, overlay
from pictures import make_scene

PHOTOS = {"dark": (12, 10, 14), "bright": (245, 245, 240), "red": (190, 30, 30), "green": (60, 140, 50), "sky": (120, 165, 215)}

# Full dichromacy: Machado, Oliveira and Fernandes 2009, on linear RGB.
DEUTERANOPIA = [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
PROTANOPIA = [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]


def assessment(quality: np.ndarray, **changes: object) -> Assessment:
    given = {"name": "x", "score": 40.0, "map": quality.astype(np.float32), "model": "m 1", "policy": "", "size": (1, 1)}
    return Assessment(**{**given, **changes})


def opacity(quality: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    return np.asarray(overlay.tint(quality.astype(np.float32), size).getchannel("A"))


def seen(color: np.ndarray, eyes: list[list[float]] | np.ndarray) -> np.ndarray:
    """A colour through other eyes; back to about perceptual steps."""
    return np.clip((color / 255) ** 2.2 @ np.asarray(eyes).T, 0, 1) ** (1 / 2.2) * 255


def test_poor_regions_are_tinted_and_good_ones_are_clear():
    found = opacity(np.array([[0, 20, 40, 60, 80, 100]]), (6, 1))
    assert found.tolist() == [[191, 143, 96, 48, 0, 0]]


def test_quality_is_clipped():
    assert opacity(np.array([[-50, 150]]), (2, 1)).tolist() == opacity(np.array([[0, 100]]), (2, 1)).tolist()


def test_the_scale_does_not_depend_on_the_map():
    alone, beside_worse = np.array([[50, 50], [50, 50]]), np.array([[50, 50], [0, 0]])
    assert opacity(alone, (2, 2))[0].tolist() == opacity(beside_worse, (2, 2))[0].tolist()


def test_a_map_is_enlarged_smoothly():
    steps = np.diff(opacity(np.array([[80, 0]] * 2), (100, 100)).astype(int), axis=1)
    assert 0 < steps.max() < 10


@pytest.mark.parametrize("side", [(192, 256), (64, 64), (3000, 200)])
def test_the_photo_keeps_its_shape(side):
    drawn = np.asarray(overlay.draw(np.zeros((*side, 3), np.uint8), assessment(np.full((16, 16), 100))))
    height, width = np.ptp(np.argwhere((drawn[: -overlay._STRIP] == 0).all(axis=2)), axis=0) + 1
    assert max(height, width) <= overlay.LONGEST
    assert abs(height / width - side[0] / side[1]) < 0.02 * side[0] / side[1] + 0.02


def test_a_photo_of_good_quality_is_drawn_as_it_is():
    photo = make_scene()
    before = photo.copy()
    drawn = np.asarray(overlay.draw(photo, assessment(np.full((16, 16), 90))))
    np.testing.assert_array_equal(drawn[: photo.shape[0], : photo.shape[1]], photo)
    overlay.draw(photo, assessment(np.full((16, 16), 10)))
    np.testing.assert_array_equal(photo, before)


def test_only_the_poor_region_changes():
    photo = make_scene(128, 128)
    quality = np.full((32, 32), 90.0)
    quality[:, :16] = 20
    change = np.abs(np.asarray(overlay.draw(photo, assessment(quality)), int)[:128, :128] - photo).mean(axis=2)
    assert (change[:, 80:] == 0).all()
    assert change[:, :50].mean() > 40


@pytest.mark.parametrize("eyes", [np.eye(3), DEUTERANOPIA, PROTANOPIA], ids=["all colours", "deuteranopia", "protanopia"])
@pytest.mark.parametrize("photo", PHOTOS)
def test_the_tint_is_visible(photo, eyes):
    pixels = np.full((64, 64, 3), PHOTOS[photo], np.uint8)
    tinted = np.asarray(overlay.draw(pixels, assessment(np.full((4, 4), 20))))[32, 32]
    assert np.abs(seen(tinted, eyes) - seen(pixels[0, 0], eyes)).max() > 25


def test_the_legend_has_a_scale_from_tinted_to_clear():
    drawn = overlay.draw(make_scene(100, 500), assessment(np.full((4, 4), 90)))
    middle = np.asarray(drawn, int)[100 + overlay._MARGIN + 2 + overlay._SCALE[1] // 2]
    magenta = middle[:, 0] - middle[:, 1]
    columns = np.flatnonzero(magenta > 20)
    assert 80 < np.ptp(columns) < overlay._SCALE[0]
    assert (np.diff(magenta[columns[0] : columns[-1]]) <= 0).all()


def test_a_narrow_photo_has_the_whole_legend():
    defects = {"a name that is longer than score and scale together, by far": Defect(0.9, 3)}
    wide, narrow = (
        overlay.draw(make_scene(100, width), assessment(np.full((4, 4), 90), defects=defects)) for width in (600, 64)
    )
    assert 64 < narrow.width < 600
    ink = [np.asarray(each.convert("L"))[-overlay._LINE :] < 128 for each in (wide, narrow)]
    np.testing.assert_array_equal(ink[0][:, : narrow.width], ink[1])
    assert not ink[0][:, narrow.width :].any()


def test_a_saved_drawing_is_recognized_and_a_photo_is_not(tmp_path):
    drawn = overlay.draw(make_scene(), assessment(np.full((16, 16), 50)))
    overlay.save(drawn, tmp_path / "map.png")
    drawn.save(tmp_path / "photo.png")
    (tmp_path / "empty.png").touch()
    recognized = [name for name in ("map", "photo", "empty", "missing") if overlay.is_overlay(tmp_path / f"{name}.png")]
    assert recognized == ["map"]
    with Image.open(tmp_path / "map.png") as found:
        assert found.text == {"Software": "noref quality map"}


def test_a_drawing_that_cannot_be_saved_leaves_no_file(tmp_path):
    (tmp_path / "map.png").mkdir()
    with pytest.raises(OSError, match="directory"):
        overlay.save(overlay.draw(make_scene(), assessment(np.full((16, 16), 50))), tmp_path / "map.png")
    assert [path.name for path in tmp_path.iterdir()] == ["map.png"]
