"""Hand-crafted statistics, against other libraries, definitions and known distributions."""

import numpy as np
import pytest
from PIL import Image
from scipy import signal, stats

from noref.lab.features import gabor, mscn, weibull
from noref.lab.features.gaussians import Moments, fit_asymmetric, fit_symmetric
from noref.lab.features.natural import FEATURES, Normal, statistics
from noref.lab.features.neighbours import DIRECTIONS, products, streamed_moments
from noref.lab.features.planes import ArrayPlane, HalvedPlane, luma
from noref.lab.features.resize import resize
from pictures import make_scene


@pytest.fixture(scope="module")
def plane() -> np.ndarray:
    return luma(make_scene(90, 121))


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_luma_is_rounded(rng):
    pixels = rng.integers(0, 256, (70, 5, 3), np.uint8)
    exact = pixels @ np.array([0.298936021293776, 0.587043074451121, 0.114020904255103])
    np.testing.assert_array_equal(luma(pixels), np.floor(exact + 0.5))
    assert luma(np.full((2, 2, 3), 255, np.uint8)).tolist() == [[255, 255], [255, 255]]


@pytest.mark.parametrize("shape", [(45, 60), (31, 200), (120, 70)])
def test_resizing_is_pillows_away_from_the_edges(plane, shape):
    expected = np.array(Image.fromarray(plane.astype(np.float32)).resize(shape[::-1], Image.Resampling.BICUBIC))
    edge = 8
    np.testing.assert_allclose(resize(plane, shape)[edge:-edge, edge:-edge], expected[edge:-edge, edge:-edge], atol=2e-3)


def test_resizing_mirrors_the_edges(plane):
    even = plane[:, :120]
    around = np.pad(even, 16, "symmetric")
    np.testing.assert_allclose(resize(around, (61, 76))[8:-8, 8:-8], resize(even, (45, 60)), atol=1e-9)


def test_halving_is_resizing_and_does_not_depend_on_the_strips(plane):
    half = HalvedPlane(ArrayPlane(plane[:, :120]))
    np.testing.assert_allclose(half.rows(0, 45), resize(plane[:, :120], (45, 60)), atol=1e-9)
    odd = HalvedPlane(ArrayPlane(plane[:89]))
    assert odd.shape == (45, 61)
    np.testing.assert_array_equal(np.concatenate([odd.rows(0, 7), odd.rows(7, 45)]), odd.rows(0, 45))


@pytest.mark.parametrize("padding", ["edge", "zero"])
def test_mscn_is_its_definition(plane, padding):
    weights = np.outer(*[stats.norm.pdf(np.arange(-3, 4), scale=7 / 6)] * 2)
    padded = np.pad(plane.astype(float), 3, **({"mode": "edge"} if padding == "edge" else {}))
    mean, square = (signal.correlate2d(values, weights / weights.sum(), "valid") for values in (padded, padded**2))
    deviation = np.sqrt(np.abs(square - mean**2))
    for rows in (None, 17):
        strips = list(mscn.strips(ArrayPlane(plane), rows, padding))
        found, spread = (np.concatenate(parts) for parts in zip(*strips, strict=True))
        np.testing.assert_allclose(spread, deviation, atol=1e-5)
        np.testing.assert_allclose(found, (plane - mean) / (deviation + 1), atol=1e-5)
    assert len(strips) == 6


def test_mscn_of_uniform_regions_is_exactly_zero():
    for value in (1, 77, 254, 255):
        for plane in (ArrayPlane(np.full((40, 40), value, np.uint8)), HalvedPlane(ArrayPlane(np.full((81, 80), value)))):
            ((found, deviation),) = mscn.strips(plane)
            assert not found.any()
            assert not deviation.any()


@pytest.mark.parametrize(("shape", "scale"), [(0.5, 1.0), (1.0, 0.3), (2.0, 2.0), (3.5, 1.0)])
def test_ggd_finds_the_parameters_of_a_sample(rng, shape, scale):
    values = stats.gennorm.rvs(shape, scale=scale, size=(1, 300, 300), random_state=rng)
    alpha, variance = fit_symmetric(Moments.of(values))
    assert alpha == pytest.approx(shape, rel=0.03)
    assert variance == pytest.approx(stats.gennorm.var(shape, scale=scale), rel=0.03)


def test_aggd_finds_the_parameters_of_samples(rng):
    drawn = stats.gennorm.rvs(1.4, size=(2, 400, 400), random_state=rng)
    left, right = np.array([0.5, 2.0]), np.array([1.5, 2.0])
    side = rng.random(drawn.shape) < (left / (left + right))[:, None, None]
    found = fit_asymmetric(Moments.of(np.abs(drawn) * np.where(side, -left[:, None, None], right[:, None, None])))
    np.testing.assert_allclose(found.alpha, 1.4, rtol=0.03)
    np.testing.assert_allclose(found.scales, [left, right], rtol=0.03)
    assert found.mean[0] > 0.5
    assert found.mean[1] == pytest.approx(0, abs=0.02)


def test_a_side_without_values_is_stated():
    sums = Moments.of(np.array([[[0.0, 1.0]], [[0.0, 0.0]]]))
    undefined, defined = fit_asymmetric(sums), fit_asymmetric(sums, empty=0.0)
    assert np.isnan([undefined.alpha, undefined.left]).all()
    assert defined.left.tolist() == [0, 0]
    assert defined.right.tolist() == [1, 0]
    assert defined.alpha[1] == 0.2


def test_products_along_four_directions_wrap_around(rng):
    values = rng.normal(size=(2, 5, 7))
    shifts = ((0, 1), (1, 0), (1, 1), (1, -1))
    for found, shift in zip(products(values), shifts, strict=True):
        np.testing.assert_array_equal(found, values * np.roll(values, shift, axis=(1, 2)))
    assert len(DIRECTIONS) == len(shifts)


@pytest.mark.parametrize("rows", [1, 4, 11])
def test_streamed_moments_are_those_of_the_whole_plane(rng, rows):
    values = rng.normal(size=(11, 9))
    own, four = streamed_moments(values[top : top + rows] for top in range(0, 11, rows))
    for found, whole in zip((own, *four), (values, *products(values)), strict=True):
        for name, number in vars(Moments.of(whole)).items():
            assert getattr(found, name) == pytest.approx(number, rel=1e-12), name


def test_no_strips_have_no_moments():
    with pytest.raises(ValueError, match="no strips"):
        streamed_moments([])


@pytest.mark.parametrize(("shape", "scale"), [(0.7, 1e-3), (1.5, 3.0), (8.0, 200.0)])
def test_weibull_is_the_maximum_likelihood_of_scipy(rng, shape, scale):
    sample = scale * rng.weibull(shape, 2000)
    expected, _, expected_scale = stats.weibull_min.fit(sample, floc=0)
    found_scale, found = weibull.fit(np.stack([sample, sample[::-1]]))
    np.testing.assert_allclose(found, expected, rtol=1e-3)
    np.testing.assert_allclose(found_scale, expected_scale, rtol=1e-3)


def test_weibull_of_a_constant_has_an_infinite_shape():
    scale, shape = weibull.fit(np.array([[2.0, 2.0, 2.0], [1.0, 2.0, 3.0]]))
    assert scale[0] == pytest.approx(2)
    assert shape[0] == np.inf
    assert np.isfinite(shape[1])


def test_log_gabor_filters_respond_to_their_own_wave():
    filters = gabor.bank((64, 64), scales=2, orientations=4, wavelength=4, factor=2, bandwidth=0.55, spread=1.2)
    y, x = np.mgrid[:64, :64]
    waves = {0: x / 4, 2: y / 4, 4: x / 8, 6: y / 8}  # by the filter that responds most
    for own, wave in waves.items():
        strength = [np.abs(np.fft.ifft2(np.fft.fft2(np.cos(2 * np.pi * wave)) * one)).mean() for one in filters]
        assert np.argmax(strength) == own
    assert np.abs(np.fft.ifft2(np.fft.fft2(np.ones((64, 64))) * filters)).max() < 1e-12


def test_statistics_tell_noise_from_a_uniform_block(rng):
    found = statistics(np.stack([rng.normal(size=(40, 40)), np.zeros((40, 40))]))
    assert found.shape == (2, FEATURES)
    assert found[0, 0] == pytest.approx(2, abs=0.2)  # the shape of a Gaussian
    assert np.isnan(found[1]).any()


def test_a_normal_leaves_what_is_undefined_out(rng):
    rows = rng.normal(size=(50, 3))
    found = Normal.of(np.vstack([rows, [[np.nan, 7, 0]]]))
    np.testing.assert_allclose(found.mean, [rows[:, 0].mean(), (rows[:, 1].sum() + 7) / 51, rows[:, 2].sum() / 51])
    np.testing.assert_allclose(found.covariance, np.cov(rows.T))
    np.testing.assert_allclose(found.precision(found) @ found.covariance, np.eye(3), atol=1e-9)
    nothing = Normal.of(np.full((4, 3), np.nan))
    assert np.isnan(nothing.precision(found)).all()
