"""The features of HOSA, against a slow transcription of their definition, and where their values are known."""

import numpy as np
import pytest

from noref.lab.errors import LabError
from noref.lab.features import codebook as codebooks
from noref.lab.features.codebook import hosa, learn, patches
from pictures import make_scene

GRAY = make_scene()[..., 1]


@pytest.fixture(scope="module")
def codebook():
    return learn(patches(GRAY)[::4], 12, seed=0)


def slow(gray, codebook):
    white = (patches(gray) - codebook.mean) @ codebook.whitening
    distances = ((white[:, None] - codebook.centers) ** 2).sum(axis=2)
    members = [[] for _ in codebook.centers]
    for patch, distance in zip(white, distances, strict=True):
        nearest = np.argsort(distance)[:5]
        weights = np.exp(-0.05 * distance[nearest])
        for place, weight in zip(nearest, weights / weights.sum(), strict=True):
            members[place].append((weight, patch))
    parts = []
    for i, found in enumerate(members):
        weights, values = np.array([weight for weight, _ in found]), np.array([patch for _, patch in found])
        mean = np.average(values, axis=0, weights=weights)
        variance = np.average((values - mean) ** 2, axis=0, weights=weights)
        skewness = np.average((values - mean) ** 3, axis=0, weights=weights) / (variance**1.5 + 1e-4)
        parts.append((mean - codebook.centers[i], variance - codebook.variances[i], skewness - codebook.skewnesses[i]))
        if variance.sum() < 1e-8:
            parts[-1] = (parts[-1][0], 0 * variance, 0 * skewness)
    features = np.array(parts).swapaxes(0, 1).ravel()
    features = np.sign(features) * np.abs(features) ** 0.2
    return features / np.linalg.norm(features)


def test_the_features_follow_their_definition(codebook):
    gray = make_scene(60, 90, seed=1)[..., 1]
    np.testing.assert_allclose(hosa(gray, codebook), slow(gray, codebook), atol=1e-6)


def test_100_codewords_give_14700_features_of_length_1():
    codebook = learn(patches(GRAY)[::8], 100, seed=0)
    found = hosa(GRAY, codebook)
    assert found.shape == (14_700,)
    assert np.linalg.norm(found) == pytest.approx(1)


def test_pinned_values(codebook):
    expected = [11.3059, 14.3273, 13.6825]
    np.testing.assert_allclose(np.abs(hosa(GRAY, codebook)).reshape(3, -1).sum(axis=1), expected, rtol=1e-3)


def test_patches_are_white(codebook):
    examples = patches(GRAY)[::4]
    white = (examples - codebook.mean) @ codebook.whitening
    variances = np.linalg.eigvalsh(np.cov(white, rowvar=False))
    original = np.linalg.eigvalsh(np.cov(examples, rowvar=False))
    np.testing.assert_allclose(variances, original / (original + 0.1), atol=1e-9)


def test_a_codeword_has_the_moments_of_its_nearest_patches(codebook):
    white = (patches(GRAY)[::4] - codebook.mean) @ codebook.whitening
    nearest = ((white[:, None] - codebook.centers) ** 2).sum(axis=2).argmin(axis=1)
    members = white[nearest == 0]
    np.testing.assert_allclose(codebook.centers[0], members.mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(codebook.variances[0], members.var(axis=0), atol=1e-6)


@pytest.mark.parametrize(("shape", "count"), [((7, 7), 1), ((200, 300), 97 * 147), ((700, 1000), 87 * 125)])
def test_the_number_of_patches_is_bounded(shape, count):
    assert patches(np.zeros(shape, np.uint8)).shape == (count, 49)


@pytest.mark.parametrize("level", [0, 200])
def test_flat_photos_have_differences_of_means_only(codebook, level):
    means, variances, skewnesses = hosa(np.full((64, 80), level, np.uint8), codebook).reshape(3, -1)
    assert np.count_nonzero(means) == 5 * 49
    assert not variances.any()
    assert not skewnesses.any()


def test_a_codebook_depends_on_the_seed_only():
    examples = patches(GRAY)[::8]
    first, again, other = (learn(examples, 5, seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first.centers, again.centers)
    assert not np.array_equal(first.centers, other.centers)


def test_there_must_be_as_many_different_patches_as_codewords():
    examples = np.repeat(patches(GRAY)[:3], 4, axis=0)
    with pytest.raises(LabError, match="3 different patches cannot give 5 codewords"):
        learn(examples, 5, seed=0)


def test_the_constants_are_those_of_the_paper():
    assert (codebooks.SIDE, codebooks.NEAREST, codebooks.POWER, codebooks.SHARPNESS) == (7, 5, 0.2, 0.05)
