"""What the unified network learns from: distorted, halved, extreme and plain pictures, and clouds."""

import numpy as np
import pytest
import torch

from noref.lab.distortions.chains import FAMILIES, HIGHEST
from noref.lab.methods.unified import photos
from noref.lab.pictures import plain
from noref.lab.preprocessing import WorkingSize
from pictures import make_scene

SIZE = WorkingSize(20_000, 64, 32)


def test_draws_depend_on_seed_epoch_copy_and_pixels_only(pristine):
    paths = sorted(pristine.iterdir())[:2]
    distorted = photos.DistortedPhotos(paths, [0.8, 0.6], SIZE, copies=6, crop=64)
    again = photos.DistortedPhotos(paths[1:], [0.6], SIZE, copies=6, crop=64)
    for copy in range(6):
        for one, other in zip(distorted[0, 6 + copy][1], again[0, copy][1], strict=True):
            torch.testing.assert_close(one, other, rtol=0, atol=0, equal_nan=True)
    assert not torch.equal(distorted[0, 0][0], distorted[1, 0][0])
    assert distorted.shapes() == [(64, 64)] * 12


def test_what_is_known_of_distorted_photos(pristine):
    paths = sorted(pristine.iterdir())
    distorted = photos.DistortedPhotos(paths, [0.8] * len(paths), SIZE, copies=20, in_part=0.5)
    items = [distorted[0, index][1] for index in range(len(distorted))]
    in_part = [bool(truth.quality.std() > 1e-6) for truth in items]
    assert 0.2 < np.mean(in_part) < 0.6
    for truth, partly in zip(items, in_part, strict=True):
        assert truth.quality.shape == (6, 6)
        assert 0 < float(truth.mos) <= 0.8 + 1e-6
        assert float(truth.quality.mean()) == pytest.approx(float(truth.mos), abs=1e-6)
        if partly:
            assert truth.answers.isnan().all()
        elif not truth.answers.isnan().any():
            left = np.prod([1 - photos.MOS_LOSS_BY_LEVEL[int(level)] for level in truth.answers.sum(dim=1)])
            assert float(truth.mos) == pytest.approx(0.8 * left, abs=1e-5) or left < 0.99


def test_a_part_that_stays_clean_stays_as_it_is():
    clean, distorted = make_scene(64, 64, 1), make_scene(64, 64, 2)
    share = np.zeros((4, 4), np.float32)
    share[:, 2:] = 1
    blended = photos._blend(clean, distorted, share)
    np.testing.assert_array_equal(blended[:, :24], clean[:, :24])
    np.testing.assert_array_equal(blended[:, 40:], distorted[:, 40:])


def test_several_sets_are_one(rated, pristine):
    paths = sorted(pristine.iterdir())[:1]
    parts = photos.Rated(rated, SIZE, 64), photos.DistortedPhotos(paths, [0.8], SIZE, copies=3, crop=64)
    together = photos.Together(*parts)
    assert len(together) == len(rated) + 3 == len(together.shapes())
    for index, (part, place) in {0: (0, 0), len(rated) - 1: (0, len(rated) - 1), len(rated): (1, 0)}.items():
        torch.testing.assert_close(together[2, index][0], parts[part][2, place][0])
    assert together[0, 0][1].answers.isnan().all()


def test_halved_photos_fill_their_old_place_with_mirrored_copies(rated, pristine):
    halved = photos.HalvedPhotos(sorted(pristine.iterdir()), [0.8] * 6, SIZE, copies=8, seed=1)
    items = [halved[0, index] for index in range(len(halved))]
    clean = [pixels.numpy() for pixels, truth in items if truth.mos > 0.799]
    assert len(clean) >= 3
    for pixels in clean:
        middle_down, middle_across = (side // 2 for side in pixels.shape[:2])
        np.testing.assert_array_equal(pixels, pixels[::-1])
        np.testing.assert_array_equal(pixels, pixels[:, ::-1])
        assert not np.array_equal(pixels[:middle_down], pixels[:middle_down][::-1])
        assert pixels[:, :middle_across].std() > 5
    assert halved.shapes() == photos.DistortedPhotos(halved.paths, [0.8] * 6, SIZE, copies=8).shapes()


def test_halved_sources_are_the_best_rated(rated):
    found = photos.halved_sources(rated, 0.5, 0.7)
    assert found.mos == [0.7] * len(found.paths)
    best = [rated.paths[row] for row in np.argsort(-rated.unit_mos, kind="stable")[: len(rated) // 2]]
    assert list(found.paths) == best
    assert photos.halved_sources(rated, 0.0, 0.7) == photos.Clean([], [])


def test_extreme_photos_have_one_defect_of_level_5_and_score_less_than_those(pristine):
    paths = sorted(pristine.iterdir())
    named = set()
    extreme, level_5 = (
        photos.ExtremePhotos(paths, [0.8] * len(paths), SIZE, copies=8, in_part=0),
        0.8 * (1 - photos.MOS_LOSS_BY_LEVEL[HIGHEST]),
    )
    for index in range(len(extreme)):
        pixels, truth = extreme[0, index]
        assert 0 < float(truth.mos) < level_5
        assert truth.answers.sum() == HIGHEST
        family = list(FAMILIES)[int(truth.answers.sum(dim=1).argmax())]
        named.add(family)
        if family == "under-exposure":
            assert pixels.float().mean() < 60
    assert {"focus blur", "under-exposure", "over-exposure", "low contrast"} < named


def test_some_are_extreme_in_part_and_their_defects_are_not_known(pristine):
    paths = sorted(pristine.iterdir())
    extreme = photos.ExtremePhotos(paths, [0.8] * len(paths), SIZE, copies=8)
    truths = [extreme[0, index][1] for index in range(len(extreme))]
    in_part = [truth for truth in truths if truth.answers.isnan().any()]
    assert 0 < len(in_part) < len(truths) / 2
    assert all(truth.quality.max() > 0.7 for truth in in_part)


def test_plain_pictures_have_no_defects():
    made = photos.PlainImages(40, 0.7, (64, 96), seed=1)
    pictures = [made[0, index] for index in range(len(made))]
    for pixels, truth in pictures:
        assert pixels.shape == (64, 96, 3)
        assert pixels.dtype == torch.uint8
        assert truth.quality.shape == (4, 6)
        assert (truth.quality == truth.mos).all()
        assert not truth.answers.any()
    assert len({pixels.numpy().tobytes() for pixels, _ in pictures}) > 35
    torch.testing.assert_close(made[0, 3][0], photos.PlainImages(4, 0.7, (64, 96), seed=1)[0, 3][0])
    assert not torch.equal(made[0, 3][0], made[1, 3][0])


def test_clouds_lose_what_one_defect_costs_or_nothing():
    made = photos.CloudImages(60, 0.7, (64, 96), seed=1)
    items = [made[0, index] for index in range(len(made))]
    assert {pixels.shape for pixels, _ in items} == {(64, 96, 3)}
    assert all((truth.quality == truth.mos).all() and truth.answers.isnan().all() for _, truth in items)
    mos = {round(float(truth.mos), 6) for _, truth in items}
    assert mos == {round(0.7 * (1 - lost), 6) for lost in photos.MOS_LOSS_BY_LEVEL}
    torch.testing.assert_close(made[0, 3][0], photos.CloudImages(4, 0.7, (64, 96), seed=1)[0, 3][0])
    assert not torch.equal(made[0, 3][0], made[1, 3][0])


def test_clouds_are_soft_but_not_plain():
    made = np.stack([plain.clouds((128, 160), np.random.default_rng(seed)) for seed in range(40)]).astype(float)
    deviation = made.std(axis=(1, 2)).mean(axis=1)
    slope = np.abs(np.diff(made, axis=2)).mean(axis=(1, 2, 3))
    assert np.median(slope / deviation) < 0.2  # 1.1 of noise
    assert np.median(deviation) > 10


def test_pristine_photos_score_what_the_best_rated_do(rated, pristine):
    found = photos.pristine_sources(sorted(pristine.iterdir()), rated, 0.2)
    assert len(found.paths) == len(found.mos) == 12
    assert found.mos[0] == pytest.approx(np.sort(rated.unit_mos)[-6:].mean())
    assert min(found.mos[6:]) >= np.sort(rated.unit_mos)[-6]
