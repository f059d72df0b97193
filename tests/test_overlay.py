"""The drawing of a map: one fixed scale, the photo's own shape."""

import numpy as np
import pytest
from PIL import Image

from noref import Assessment, overlay
from pictures import make_scene


def assessment(quality: np.ndarray) -> Assessment:
    return Assessment("x", 40.0, quality.astype(np.float32), "m 1", "as is", (1, 1))


def test_colors_run_from_dark_to_light_and_are_clipped():
    shades = overlay.colors(np.linspace(0, 100, 50, dtype=np.float32)).astype(int) @ [299, 587, 114]
    assert (np.diff(shades) > 0).all()
    np.testing.assert_array_equal(
        overlay.colors(np.array([-50, 0], np.float32))[0], overlay.colors(np.array([0], np.float32))[0]
    )


@pytest.mark.parametrize("side", [(192, 256), (64, 64), (3000, 200)])
def test_the_photo_keeps_its_shape(side):
    drawn = overlay.draw(make_scene(*side), assessment(np.full((16, 16), 50)))
    height, width = drawn.height - overlay._STRIP, drawn.width
    assert max(height, width) <= overlay.LONGEST
    assert abs(height / width - side[0] / side[1]) < 0.02 * side[0] / side[1] + 0.02


def test_low_quality_is_darker():
    grey = np.full((128, 128, 3), 128, np.uint8)
    quality = np.full((32, 32), 90.0)
    quality[:, :16] = 10
    drawn = np.asarray(overlay.draw(grey, assessment(quality)).convert("L")).astype(int)
    assert drawn[:100, :50].mean() < drawn[:100, 78:].mean() - 40


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
