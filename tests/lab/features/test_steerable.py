"""The steerable pyramid and divisive normalisation."""

from importlib import metadata

import numpy as np
import pytest
from pyrtools.pyramids import SteerablePyramidFreq

from noref.lab import methods
from noref.lab.errors import LabError
from noref.lab.features import steerable
from noref.lab.features.steerable import normalised, pyramid
from pictures import make_scene

GRAY = make_scene()[..., 1]


def grating(angle, cycles, side=128):
    """A sinusoid whose frequency vector has that angle (degrees), and that many cycles along the side."""
    y, x = np.mgrid[:side, :side] * (2 * np.pi * cycles / side)
    return 100 * np.cos(x * np.cos(np.radians(angle)) + y * np.sin(np.radians(angle)))


def test_the_parts_have_the_sizes_of_two_octaves():
    highpass, bands = pyramid(make_scene(96, 128)[..., 1])
    assert highpass.shape == (96, 128)
    assert [[band.shape for band in scale] for scale in bands] == [6 * [(96, 128)], 6 * [(48, 64)]]


def test_all_parts_together_reconstruct_the_photo():
    found = SteerablePyramidFreq(GRAY.astype(float), height=2, order=5)
    highpass, bands = pyramid(GRAY)
    found.pyr_coeffs["residual_highpass"] = highpass
    for scale in range(2):
        for orientation in range(6):
            found.pyr_coeffs[scale, orientation] = bands[scale][orientation]
    np.testing.assert_allclose(found.recon_pyr(), GRAY, atol=1e-2)


@pytest.mark.parametrize("orientation", range(6))
def test_a_grating_is_strongest_in_the_subband_of_its_orientation_and_scale(orientation):
    strengths = {
        cycles: [[band.std() for band in scale] for scale in pyramid(grating(30 * orientation, cycles)).bands]
        for cycles in (16, 32)
    }
    assert np.argmax(strengths[32][0]) == orientation
    assert np.argmax(strengths[16][1]) == orientation
    assert max(strengths[32][0]) > max(strengths[32][1])


def test_odd_sides_are_allowed():
    assert pyramid(make_scene(101, 131)[..., 1]).bands[1][0].shape == (51, 66)


def test_edges_are_left_out_and_the_mean_is_0():
    bands = pyramid(GRAY).bands
    for scale, shape in enumerate([(192 - 2 - 32, 256 - 2 - 32), (96 - 2 - 16, 128 - 2 - 16)]):
        found = normalised(bands, scale)
        assert [band.shape for band in found] == 6 * [shape]
        np.testing.assert_allclose([band.mean() for band in found], 0, atol=1e-12)


def test_normalisation_follows_its_definition():
    bands = pyramid(make_scene(70, 80)[..., 1]).bands
    band = bands[1][3]
    rows = []
    for i in range(1, len(band) - 1):
        for j in range(1, band.shape[1] - 1):
            others = [bands[1][k][i, j] for k in range(6) if k != 3]
            rows.append([*band[i - 1 : i + 2, j - 1 : j + 2].ravel(), *others])
    values = np.array(rows)
    inverse = np.linalg.pinv(values.T @ values / len(values))
    energy = np.sqrt(np.einsum("ni,ij,nj->n", values, inverse, values) / 9)
    expected = ((values[:, 4] - values[:, 4].mean()) / energy).reshape(33, 38)[8:-8, 8:-8]
    np.testing.assert_allclose(normalised(bands, 1)[3], expected - expected.mean(), rtol=1e-6, atol=1e-6)


def test_normalisation_makes_the_tails_gaussian():
    noise = np.random.default_rng(0).normal(size=(192, 256))
    contrast = np.repeat(np.repeat(np.exp(np.random.default_rng(1).normal(size=(6, 8))), 32, 0), 32, 1)
    band = pyramid(20 * noise * contrast).bands[0][0]
    kurtoses = [
        np.mean(values**4) / np.mean(values**2) ** 2
        for values in (band, normalised(pyramid(20 * noise * contrast).bands, 0)[0])
    ]
    assert kurtoses[0] > 6
    assert kurtoses[1] < 4


@pytest.mark.parametrize("level", [0, 200])
def test_a_flat_photo_has_zeros_not_amplified_rounding_errors(level):
    bands = pyramid(np.full((65, 77), level, np.uint8)).bands
    assert not any(band.any() for scale in (0, 1) for band in normalised(bands, scale))


def test_strips_change_nothing(monkeypatch):
    bands = pyramid(GRAY).bands
    expected = normalised(bands, 0)
    monkeypatch.setattr(steerable, "_ROWS", 7)
    np.testing.assert_allclose(normalised(bands, 0), expected, rtol=1e-6, atol=1e-9)


def test_the_library_may_be_missing(monkeypatch):
    version = metadata.version
    monkeypatch.setattr(metadata, "version", lambda name: version("none" if name == "pyrtools" else name))
    with pytest.raises(LabError, match=r"pip install 'noref\[diivine\]'"):
        pyramid(GRAY)
    with pytest.raises(LabError, match=r"pip install 'noref\[diivine\]'"):
        methods.get("diivine").configured({}).policy  # noqa: B018  (what is cached depends on the version)
