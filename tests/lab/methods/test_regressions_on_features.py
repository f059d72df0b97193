"""BLIINDS-II, HOSA and DIIVINE as methods: what they learn from, what they need, and photos of any kind and size."""

import numpy as np
import pytest
from scipy.stats import spearmanr
from tester import make, parts_for

from noref.errors import ImageTooSmall
from noref.lab.errors import LabError
from noref.lab.evaluation.splits import by_content
from noref.lab.features.diivine import diivine
from noref.lab.features.planes import luma
from noref.lab.methods import get
from noref.lab.preprocessing import WorkingSize
from pictures import make_scene

NAMES = ("bliinds2", "diivine", "hosa")


@pytest.fixture(scope="module", params=NAMES)
def fitted(request, rated, tmp_path_factory):
    method = make(request.param)
    parts = parts_for(method, rated, tmp_path_factory.mktemp("enlarged"))
    return method.fit(parts["train"], parts["validation"], tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="module")
def hosa(rated, tmp_path_factory):
    method = make("hosa")
    parts = by_content(rated, {"train": 0.7, "validation": 0.3}, 0)
    return method.fit(parts["train"], parts["validation"], tmp_path_factory.mktemp("hosa"))


def test_blur_lowers_the_score(fitted, rated):
    assert spearmanr(fitted.predict(rated.paths), rated.mos).statistic > 0.7


@pytest.mark.parametrize("kind", ["black", "white", "flat", "half", "noise"])
def test_unusual_photos_have_finite_scores(fitted, kind):
    pixels = np.full((80, 96, 3), {"black": 0, "white": 255}.get(kind, 90), np.uint8)
    if kind == "half":
        pixels[40:] = 200
    if kind == "noise":
        pixels = np.random.default_rng(0).integers(0, 256, pixels.shape, np.uint8)
    assert np.isfinite(fitted.predict([pixels])).all()


def test_narrow_and_odd_photos_have_finite_scores(fitted):
    least = fitted.shortest
    assert np.isfinite(fitted.predict([make_scene(least, 301), make_scene(301, least), make_scene(least, least)])).all()
    with pytest.raises(ImageTooSmall, match=f"needs {least} on the short side"):
        fitted.predict([make_scene(least - 1, 301)])


@pytest.mark.parametrize("name", NAMES)
def test_without_fit_there_is_no_score(name):
    with pytest.raises(LabError, match=f"{name} has to be fitted first"):
        make(name).predict([make_scene()])


@pytest.mark.parametrize(("name", "count"), [("bliinds2", 24), ("diivine", 88)])
def test_the_number_of_features_is_that_of_the_paper(name, count):
    assert get(name)().features(make_scene()).shape == (count,)


def test_hosa_has_147_features_for_each_codeword(hosa):
    assert hosa.features(make_scene()).shape == (147 * 5,)
    assert get("hosa")().settings.codewords * 147 == 14_700


def test_the_codebook_of_hosa_comes_from_training_photos_only(hosa, rated, tmp_path):
    parts = by_content(rated, {"train": 0.7, "validation": 0.3}, 0)
    again = make("hosa").fit(parts["train"], parts["train"], tmp_path)
    np.testing.assert_array_equal(again.codebook.centers, hosa.codebook.centers)
    other = make("hosa", seed=1).fit(parts["train"], parts["validation"], tmp_path)
    assert not np.array_equal(other.codebook.centers, hosa.codebook.centers)
    assert other.policy != hosa.policy  # so that their cached features are kept apart


def test_a_codebook_needs_patches(rated, tmp_path):
    parts = by_content(rated, {"train": 0.7, "validation": 0.3}, 0)
    with pytest.raises(LabError, match=r"\d+ different patches cannot give 300 codewords"):
        make("hosa", {"codewords": 300, "photos": 1}).fit(parts["train"], parts["validation"], tmp_path)


def test_features_of_hosa_are_not_standardised(hosa):
    assert not hosa.parameters_.arrays["offset"].any()
    assert (hosa.parameters_.arrays["factor"] == 1).all()


def test_a_loaded_codebook_is_the_saved_one(hosa, tmp_path):
    hosa.save(tmp_path)
    np.testing.assert_array_equal(get("hosa").load(tmp_path).codebook.whitening, hosa.codebook.whitening)


def test_diivine_shrinks_large_photos():
    pixels = make_scene(300, 400)
    method = make("diivine", {"area": 20_000})
    np.testing.assert_array_equal(method.features(pixels), diivine(luma(WorkingSize(20_000, 64, 1).apply(pixels))))
    np.testing.assert_array_equal(make("diivine").features(pixels), diivine(luma(pixels)))
    assert method.policy != make("diivine").policy
