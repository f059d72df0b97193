"""Training data of the unified method: sources of images without defects, and their distortions."""

import numpy as np
import pytest
import torch

from noref.lab import distortions
from noref.lab.distortions.chains import FAMILIES, HIGHEST
from noref.lab.methods.unified import photos, sources
from noref.lab.preprocessing import WorkingSize
from noref.lab.training.pairs import best_rated
from pictures import make_scene

SIZE = WorkingSize(96 * 96, 16, 32, fixed=True)
TYPES = distortions.VERSION_2


@pytest.fixture
def clean(pristine) -> sources.PhotoSource:
    return sources.PhotoSource(sorted(pristine.iterdir()), [0.8] * 6, SIZE, copies=20)


class Fixed(sources.Source):
    """The same photo over and over."""

    def __init__(self, pixels, count=60, families=tuple(FAMILIES)):
        self.image, self.mos, self.families = pixels, [0.8] * count, families

    def pixels(self, index, rng):
        return self.image

    def shapes(self, crop):
        return [self.image.shape[:2]] * len(self.mos)


def test_what_is_drawn_depends_on_seed_epoch_and_item_only(clean):
    distorted = photos.PseudoRated(clean, TYPES, crop=64)
    again = photos.PseudoRated(clean, TYPES, crop=64)
    assert torch.equal(distorted[0, 7][0], again[0, 7][0])
    assert not torch.equal(distorted[0, 7][0], distorted[1, 7][0])
    assert not torch.equal(distorted[0, 7][0], photos.PseudoRated(clean, TYPES, crop=64, seed=1)[0, 7][0])
    assert distorted.shapes() == [(64, 64)] * 120


def test_sources_of_different_kinds_are_distorted_differently(clean):
    flat = [Fixed(make_scene(96, 96)) for _ in range(4)]
    halved = sources.HalvedSource(clean.paths, clean.mos, SIZE)
    kinds = [clean, halved, sources.ComposedSource(clean, 1, 96), sources.DrawnSource(1, 0.8, 96)]
    for each, kind in zip(flat, kinds, strict=True):
        each.stream = kind.stream
    for made in (photos.PseudoRated, photos.LevelPairs):
        drawn = [torch.stack([made(each, TYPES, 64)[0, index][0] for index in range(3)]) for each in flat]
        assert len({one.numpy().tobytes() for one in drawn}) == 4


def test_targets_of_distorted_images(clean):
    distorted = photos.PseudoRated(clean, TYPES, in_part=0.5)
    targets = [distorted[0, index][1] for index in range(len(distorted))]
    in_part = [bool(one.quality.std() > 1e-6) for one in targets]
    assert 0.2 < np.mean(in_part) < 0.6
    for one, partly in zip(targets, in_part, strict=True):
        assert one.quality.shape == (6, 6)
        assert 0 < float(one.mos) <= 0.8 + 1e-6
        assert float(one.quality.mean()) == pytest.approx(float(one.mos), abs=1e-6)
        if partly:
            assert one.answers.isnan().all()
    assert {float(one.answers.sum()) for one in targets if not one.answers.isnan().any()} >= {0.0, 1.0, float(HIGHEST)}


def test_pairs_differ_in_the_level_only(clean):
    pairs = photos.LevelPairs(clean, TYPES, crop=64)
    assert pairs.shapes() == [(2, 64, 64)] * len(pairs) == [(2, 64, 64)] * 120
    items = [pairs[0, index] for index in range(len(pairs))]
    assert all(pixels.shape == (2, 64, 64, 3) and targets.quality.shape == (2, 4, 4) for pixels, targets in items)
    first, second = torch.stack([targets.mos for _, targets in items]).T
    assert (first >= second).all()
    assert (first > second).float().mean() > 0.9  # the others do not show
    assert float(first.max()) == pytest.approx(0.8)  # some lower levels are 0: the photo itself
    assert torch.equal(pairs[0, 5][0], photos.LevelPairs(clean, TYPES, crop=64)[0, 5][0])
    assert not torch.equal(pairs[0, 5][0], pairs[1, 5][0])


def test_drawn_pictures_are_paired_under_distortions_that_show_on_them():
    drawn = sources.DrawnSource(2, 0.8, 64)
    pairs = photos.LevelPairs(drawn, distortions.VERSION_1)
    assert {each.family for each in pairs.types} & set(FAMILIES) == set(sources.ON_DRAWN)


def test_a_chain_multiplies_the_losses_of_its_levels():
    distorted = photos.PseudoRated(Fixed(make_scene(64, 64), 400), TYPES, in_part=0)
    checked = 0
    for index in range(400):
        _, targets = distorted[0, index]
        levels = targets.answers.sum(dim=1)
        if int((levels > 0).sum()) > 1:
            kept = np.prod([1 - photos.MOS_LOSS_BY_LEVEL[int(level)] for level in levels])
            assert float(targets.mos) == pytest.approx(0.8 * kept, abs=1e-5)
            checked += 1
    assert checked > 20


def test_images_beyond_level_5_score_less_than_those_of_level_5(monkeypatch):
    monkeypatch.setattr(photos, "UNDISTORTED", 0.0)
    monkeypatch.setattr(photos, "EXTREME", 1.0)
    extreme = photos.PseudoRated(Fixed(make_scene(64, 64)), TYPES, in_part=0)
    found = set()
    for index in range(60):
        pixels, targets = extreme[0, index]
        assert float(targets.mos) < 0.8 * (1 - photos.MOS_LOSS_BY_LEVEL[HIGHEST])
        family = list(FAMILIES)[int(targets.answers.sum(dim=1).argmax())]
        found.add(family)
        if family == "under-exposure":
            assert pixels.float().mean() < 60
    assert {"focus blur", "under-exposure", "over-exposure", "low contrast"} < found


def test_a_distortion_that_does_not_show_costs_nothing():
    flat = Fixed(np.full((64, 64, 3), 128, np.uint8), 60, ("focus blur", "motion blur", "pixelation"))
    blurred = photos.PseudoRated(flat, ("gaussian_blur", "motion_blur", "pixelation"))
    for index in range(60):
        _, targets = blurred[0, index]
        assert float(targets.mos) == pytest.approx(0.8)
        assert not targets.answers.any()


def test_light_and_colours_of_drawn_pictures_are_not_distorted():
    drawn = photos.PseudoRated(sources.DrawnSource(1, 0.8, 64), TYPES)
    assert {one.family for one in drawn.types} & set(FAMILIES) == set(sources.ON_DRAWN)
    assert drawn.chains is None


def test_a_region_that_is_not_distorted_stays_as_it_was():
    clean, distorted = make_scene(64, 64, 1), make_scene(64, 64, 2)
    share = np.zeros((4, 4), np.float32)
    share[:, 2:] = 1
    blended = photos._blend(clean, distorted, share)
    np.testing.assert_array_equal(blended[:, :24], clean[:, :24])
    np.testing.assert_array_equal(blended[:, 40:], distorted[:, 40:])


def test_regions_are_smooth_areas_and_rectangles():
    regions = [photos._region((18, 18), np.random.default_rng(seed)) for seed in range(40)]
    sharp = [set(np.unique(region)) <= {0.0, 1.0} for region in regions]
    assert 0.2 < np.mean(sharp) < 0.8
    assert all(region.min() >= 0 and 0 < region.max() <= 1 for region in regions)


def test_several_data_sets_are_one(rated, clean):
    parts = photos.Rated(rated, SIZE, 64), photos.PseudoRated(clean, TYPES, crop=64)
    together = photos.Together(*parts)
    assert len(together) == len(rated) + 120 == len(together.shapes())
    for index, (part, place) in {0: (0, 0), len(rated) - 1: (0, len(rated) - 1), len(rated): (1, 0)}.items():
        torch.testing.assert_close(together[2, index][0], parts[part][2, place][0])
    assert together[0, 0][1].answers.isnan().all()


def test_halved_photos_fill_their_place_with_mirrored_copies(pristine):
    halved = sources.HalvedSource(sorted(pristine.iterdir()), [0.8] * 6, SIZE)
    for index in range(6):
        pixels = halved.pixels(index, np.random.default_rng(0))
        middle = pixels.shape[0] // 2
        np.testing.assert_array_equal(pixels, pixels[::-1])
        np.testing.assert_array_equal(pixels, pixels[:, ::-1])
        assert not np.array_equal(pixels[:middle], pixels[:middle][::-1])
    assert halved.shapes(None) == [(96, 96)] * 6


def test_composed_and_drawn_pictures_have_the_shape_that_they_state(clean):
    rng = np.random.default_rng(0)
    for source in (sources.ComposedSource(clean, 3, 96), sources.DrawnSource(3, 0.7, 96)):
        assert source.shapes(64) == [(64, 64)] * 3
        assert source.shapes(None) == [(96, 96)] * 3
        assert source.pixels(1, rng).shape == (96, 96, 3)


def test_pristine_photos_get_the_mean_of_the_best_rated(rated, pristine):
    paths, mos = sources.pristine_sources(sorted(pristine.iterdir()), rated, 0.2)
    assert len(paths) == len(mos) == 12
    assert mos[0] == pytest.approx(np.sort(rated.unit_mos)[-6:].mean())
    assert min(mos[6:]) >= np.sort(rated.unit_mos)[-6]


def test_no_photos_are_halved_for_a_share_of_0(rated):
    assert best_rated(rated, 0.0) == ([], [])
    assert len(sources.pristine_sources([], rated, 0.0)[0]) == 1
