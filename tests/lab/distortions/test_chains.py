"""Chains of distortions: plausible, labelled, and reproducible."""

from collections import Counter

import numpy as np
import pytest

from noref import card
from noref.lab import distortions
from noref.lab.distortions import chains
from noref.lab.distortions.chains import FAMILIES

DRAWN = [chains.draw(np.random.default_rng(seed)) for seed in range(1500)]


def test_families_are_the_defects_of_the_model_card():
    assert tuple(FAMILIES) == distortions.DEFECTS
    assert list(FAMILIES) == list(card.load(card.find("unified").with_suffix(".json")).defects)
    assert all(distortions.get(name).family == family for family, kinds in FAMILIES.items() for name in kinds)


def test_links_belong_to_different_families_in_order_without_contradictions():
    order = list(FAMILIES)
    for chain in DRAWN:
        positions = [order.index(link.family) for link in chain]
        assert positions == sorted(set(positions))
        assert all(link.kind in FAMILIES[link.family] for link in chain)
        families = {link.family for link in chain}
        assert not families >= {"under-exposure", "over-exposure"}
        assert not families >= {"warm cast", "cold cast"}


def test_every_length_family_type_and_level_is_drawn():
    lengths = Counter(map(len, DRAWN))
    assert set(lengths) == {0, 1, 2, 3}
    assert max(lengths.values()) < 1.25 * min(lengths.values())
    links = [link for chain in DRAWN for link in chain]
    families = Counter(link.family for link in links)
    assert max(families.values()) < 2 * min(families.values())
    assert {(link.family, link.level) for link in links} == {(name, level) for name in FAMILIES for level in range(1, 6)}
    assert {link.kind for link in links} == {kind for kinds in FAMILIES.values() for kind in kinds}


def test_draw_returns_the_chain_that_distort_applies(scene):
    before = scene.copy()
    for seed in range(8):
        distorted, levels = chains.distort(scene, np.random.default_rng(seed))
        again, _ = chains.distort(scene, np.random.default_rng(seed))
        np.testing.assert_array_equal(distorted, again)
        chain = chains.draw(np.random.default_rng(seed))
        assert dict(zip(FAMILIES, levels.tolist(), strict=True)) == dict.fromkeys(FAMILIES, 0) | {
            link.family: link.level for link in chain
        }
        assert (distorted != scene).any() == bool(chain)
    np.testing.assert_array_equal(scene, before)


@pytest.mark.parametrize("length", [1, 3])
def test_links_are_applied_one_after_another(length, scene):
    seed = next(seed for seed, chain in enumerate(DRAWN) if len(chain) == length)
    rng = np.random.default_rng(seed)
    expected = scene
    for link in chains.draw(rng):
        expected = distortions.get(link.kind)(expected, link.level, rng)
    np.testing.assert_array_equal(chains.distort(scene, np.random.default_rng(seed))[0], expected)


def test_chains_of_chosen_types(scene):
    types = ("jpeg", "white_noise", "motion_blur", "haze", "banding", "vignetting")
    drawn = [link.kind for seed in range(200) for link in chains.draw(np.random.default_rng(seed), types)]
    assert set(drawn) == set(types) - {"vignetting"}  # chains do not draw it
    assert len(chains.distort(scene, np.random.default_rng(0), types)[1]) == len(FAMILIES)
    with pytest.raises(ValueError, match="chains need distortions of 5 families, not 2"):
        chains.draw(np.random.default_rng(0), ("warm_cast", "cold_cast", "vignetting"))
