"""Drawn and composed pictures: every kind, any size, reproducible, and without change to the photos."""

import doctest
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import ImageFont

from noref.lab import pictures
from noref.lab.errors import LabError
from noref.lab.pictures import pages
from pictures import make_scene

PHOTOS = [make_scene(192, 256, seed) for seed in range(3)]
SIZES = [(64, 64), (96, 200), (200, 96), (33, 71)]

every_drawn = pytest.mark.parametrize("kind", pictures.DRAWN)
every_composed = pytest.mark.parametrize("kind", pictures.COMPOSED)


def test_every_kind_is_listed_in_the_documentation():
    page = Path(__file__).parents[2] / "docs" / "reference" / "laboratory" / "pictures.md"
    if not page.is_file():
        pytest.skip("the documentation is not part of the source distribution")
    documented = re.findall(r"^\| (\w+) \|", page.read_text(), re.MULTILINE)
    assert [kind for kind in documented if kind != "kind"] == [*pictures.DRAWN, *pictures.COMPOSED]


def drawn(kind: str, seed: int, shape: tuple[int, int] = (96, 128)) -> np.ndarray:
    return pictures.draw(shape, np.random.default_rng(seed), [kind])


def composed(kind: str, seed: int, photos: list[np.ndarray] = PHOTOS) -> np.ndarray:
    return pictures.compose(photos, np.random.default_rng(seed), [kind])[0]


@every_drawn
def test_drawn_pictures_depend_on_the_generator_only(kind):
    results = [drawn(kind, seed) for seed in range(5)]
    assert len({result.tobytes() for result in results}) == 5
    np.testing.assert_array_equal(drawn(kind, 3), results[3])


@pytest.mark.parametrize("shape", SIZES)
@every_drawn
def test_drawn_pictures_have_the_given_size(kind, shape):
    for seed in range(3):
        result = drawn(kind, seed, shape)
        assert (result.shape, result.dtype, result.flags.writeable) == ((*shape, 3), np.uint8, True)


@every_composed
def test_composed_pictures_depend_on_photos_and_generator_only(kind):
    photos = [photo.copy() for photo in PHOTOS]
    for photo in photos:
        photo.setflags(write=False)  # writing to it raises
    results = [composed(kind, seed, photos) for seed in range(5)]
    assert len({result.tobytes() for result in results}) == 5
    np.testing.assert_array_equal(composed(kind, 3, photos), results[3])
    others = [make_scene(192, 256, seed) for seed in range(10, 13)]
    assert (composed(kind, 3, others) != results[3]).any()


@pytest.mark.parametrize("shape", SIZES)
@every_composed
def test_composed_pictures_have_the_size_of_the_photos(kind, shape):
    for seed in range(6):
        result = composed(kind, seed, [make_scene(*shape)])
        assert (result.shape, result.dtype, result.flags.writeable) == ((*shape, 3), np.uint8, True)


def test_every_kind_is_drawn_equally_often():
    kinds = Counter(pictures.compose(PHOTOS, np.random.default_rng(seed))[1] for seed in range(300))
    assert set(kinds) == set(pictures.COMPOSED)
    assert max(kinds.values()) < 3 * min(kinds.values())
    rng = np.random.default_rng(0)
    assert len({pictures.draw((64, 64), rng).tobytes() for _ in range(30)}) > 25


def test_cutouts_stand_on_even_backgrounds():
    backgrounds = [composed("cutout", seed)[:8, :8] for seed in range(40)]
    even = [int(corner[0, 0, 0]) for corner in backgrounds if (corner == corner[0, 0]).all()]
    assert even.count(255) >= 8
    assert even.count(0) >= 1
    assert any(170 <= value < 255 for value in even)
    assert len(even) < len(backgrounds)  # the others are checkerboards


def test_bars_leave_the_middle_to_the_photo():
    white = [np.full((96, 128, 3), 200, np.uint8)]
    for seed in range(20):
        result = composed("bars", seed, white)
        assert (result[35:61, 40:88] == 200).all()
        assert (result != 200).any()


def test_black_and_white_photos_have_one_tone_and_full_contrast():
    for seed in range(10):
        result = composed("black_and_white", seed).astype(int)
        assert np.ptp(result[..., 1]) > 150
        assert np.abs(np.ptp(result, axis=2)).max() <= 50
        red, blue = result[..., 0] - result[..., 1], result[..., 1] - result[..., 2]
        assert red.min() >= -1
        assert blue.min() >= -1  # grey or warm everywhere


def test_a_background_is_blurred_and_its_subject_is_not():
    texture = [np.random.default_rng(0).integers(0, 256, (128, 128, 3), np.uint8)]
    for seed in range(5):
        result = composed("background_blur", seed, texture)
        np.testing.assert_allclose(result[62:66, 62:66], texture[0][62:66, 62:66], atol=30)
        assert result[:8, :8].std() < 0.3 * texture[0][:8, :8].std()


def test_night_is_dark_and_has_lights():
    for seed in range(10):
        night = drawn("night", seed, (256, 256))
        assert np.median(night) < 60
        assert night.max() > 100


def test_documents_are_light_or_dark_with_text():
    grounds = [np.median(drawn("document", seed, (256, 256))) for seed in range(20)]
    assert min(grounds) < 70
    assert max(grounds) > 200


def test_a_photo_is_filled_without_distortion():
    y, x = np.mgrid[0:100, 0:200]
    disc = np.where((np.hypot(y - 50, x - 100) < 30)[..., None], 255, 0).repeat(3, axis=2).astype(np.uint8)
    for shape in [(60, 60), (50, 100), (40, 120)]:
        inside = pages.fill(disc, shape)[..., 0] > 127
        assert inside.shape == shape
        scale = max(shape[0] / 100, shape[1] / 200)
        assert inside.sum() == pytest.approx(np.pi * (30 * scale) ** 2, rel=0.05)


def test_unknown_kinds_and_photos_of_several_sizes_are_refused():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="no picture is called moon; there are sky, "):
        pictures.draw((64, 64), rng, ["moon", "night"])
    with pytest.raises(ValueError, match="no composition is called frame; there are cutout, "):
        pictures.compose(PHOTOS, rng, ["frame"])
    for photos in ([], [make_scene(64, 64), make_scene(64, 65)]):
        with pytest.raises(ValueError, match="one or more photos of one size"):
            pictures.compose(photos, rng)


def test_a_pillow_without_freetype_is_refused(monkeypatch):
    monkeypatch.setattr(ImageFont, "load_default", lambda size: ImageFont.ImageFont())
    pages.font.cache_clear()
    with pytest.raises(LabError, match="this Pillow cannot draw text in any size; install"):
        pages.font(12)


def test_examples_run():
    result = doctest.testmod(pictures)
    assert result.attempted > 0
    assert result.failed == 0
