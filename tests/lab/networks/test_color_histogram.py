"""Colour histograms: correct, in range, and invariant to mirroring."""

import numpy as np
import torch

from noref.lab.networks import color_histogram
from pictures import make_scene


def parts(pixels: np.ndarray) -> dict[str, np.ndarray]:
    """`color_histogram` of one photo: steps x scales, means, deviations."""
    (found,) = color_histogram.color_histogram(torch.from_numpy(pixels)[None]).numpy()
    steps, mean, deviation = np.split(
        found, [color_histogram.STEPS * color_histogram.SCALES, (color_histogram.STEPS + 1) * color_histogram.SCALES]
    )
    return {"steps": steps.reshape(color_histogram.STEPS, color_histogram.SCALES), "mean": mean, "deviation": deviation}


def test_a_flat_colour_is_above_the_steps_below_it():
    found = parts(np.full((8, 12, 3), (255, 127, 0), np.uint8))
    np.testing.assert_allclose(found["mean"], [1, 127 / 255, 0, 0.299 + 0.587 * 127 / 255, 1], atol=1e-6)
    np.testing.assert_allclose(found["deviation"], 0, atol=1e-6)
    np.testing.assert_allclose(found["steps"][:, 0], 1, atol=1e-6)
    np.testing.assert_allclose(found["steps"][:, 1], [1] * 7 + [127 / 255 * 16 - 7] + [0] * 8, atol=1e-5)
    np.testing.assert_allclose(found["steps"][:, 2], 0, atol=1e-6)


def test_steps_are_the_shares_of_lighter_pixels():
    photo = np.zeros((16, 16, 3), np.uint8)
    photo[:, 12:] = 255
    found = parts(photo)
    np.testing.assert_allclose(found["steps"][:, :4], 0.25, atol=1e-6)
    np.testing.assert_allclose(found["deviation"][:4], np.sqrt(0.25 * 0.75), atol=1e-6)


def test_mirrored_and_rotated_photos_have_equal_features():
    photo = make_scene(64, 96)
    for turned in (photo[::-1], photo[:, ::-1], photo[::-1, ::-1], photo.transpose(1, 0, 2)):
        for name, values in parts(np.ascontiguousarray(turned)).items():
            np.testing.assert_allclose(values, parts(photo)[name], atol=1e-5)


def test_a_darker_photo_has_lower_features():
    photo = make_scene(64, 96)
    light, dark = parts(photo), parts(photo // 2)
    assert (dark["mean"] < light["mean"]).all()
    assert (dark["steps"] <= light["steps"] + 1e-6).all()
    assert light["steps"].min() >= 0
    assert light["steps"].max() <= 1


def test_several_photos_are_told_one_by_one():
    both = torch.from_numpy(np.stack([make_scene(32, 32, 1), make_scene(32, 32, 2)]))
    found = color_histogram.color_histogram(both)
    assert found.shape == (2, color_histogram.COUNT)
    torch.testing.assert_close(found, torch.cat([color_histogram.color_histogram(photo[None]) for photo in both]))
