"""Chains of defects: plausible, known, and the same for the same draw."""

from collections import Counter

import numpy as np
import pytest

from noref.lab import distortions
from noref.lab.distortions import chains
from noref.lab.distortions.chains import FAMILIES

DRAWN = [chains.draw(np.random.default_rng(seed)) for seed in range(1500)]


def test_families_hold_registered_distortions_of_their_kind():
    named = [(family, name) for family, kinds in FAMILIES.items() for name in kinds]
    assert all(distortions.get(name).family == family for family, name in named)
    assert len({name for _, name in named}) == len(named)


def test_zero_to_three_faults_of_different_families_in_order():
    order = list(FAMILIES)
    for defects in DRAWN:
        places = [order.index(defect.family) for defect in defects]
        assert places == sorted(set(places))
        assert all(defect.kind in FAMILIES[defect.family] for defect in defects)
        families = {defect.family for defect in defects}
        assert not families >= {"under-exposure", "over-exposure"}
        assert not families >= {"warm cast", "cold cast"}


def test_every_number_family_and_level_is_drawn():
    numbers = Counter(map(len, DRAWN))
    assert set(numbers) == {0, 1, 2, 3}
    assert max(numbers.values()) < 1.25 * min(numbers.values())
    defects = [defect for chain in DRAWN for defect in chain]
    families = Counter(defect.family for defect in defects)
    assert max(families.values()) < 2 * min(families.values())
    assert {(defect.family, defect.level) for defect in defects} == {
        (name, level) for name in FAMILIES for level in range(1, 6)
    }
    assert {defect.kind for defect in defects} == {kind for kinds in FAMILIES.values() for kind in kinds}


def test_the_draw_tells_what_spoiling_does(scene):
    before = scene.copy()
    for seed in range(8):
        distorted, levels = chains.distort(scene, np.random.default_rng(seed))
        again, _ = chains.distort(scene, np.random.default_rng(seed))
        np.testing.assert_array_equal(distorted, again)
        defects = chains.draw(np.random.default_rng(seed))
        assert dict(zip(FAMILIES, levels.tolist(), strict=True)) == dict.fromkeys(FAMILIES, 0) | {
            defect.family: defect.level for defect in defects
        }
        assert (distorted != scene).any() == bool(defects)
    np.testing.assert_array_equal(scene, before)


@pytest.mark.parametrize("length", [1, 3])
def test_links_follow_each_other(length, scene):
    seed = next(seed for seed, chain in enumerate(DRAWN) if len(chain) == length)
    rng = np.random.default_rng(seed)
    expected = scene
    for defect in chains.draw(rng):
        expected = distortions.get(defect.kind)(expected, defect.level, rng)
    np.testing.assert_array_equal(chains.distort(scene, np.random.default_rng(seed))[0], expected)
