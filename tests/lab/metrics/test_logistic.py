"""Known curves are recovered, signs are kept, and failed fits have a reason."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from noref.lab.metrics import logistic

SCORES = np.random.default_rng(0).uniform(-50, 150, 400)


@pytest.mark.parametrize("planted", [(90, 10, 40, 12), (1, 5, 60, 20), (4.5, 1.2, 0, 15)])
def test_4_parameters_are_found_again(planted):
    curve = logistic.fit(SCORES, logistic.logistic4(SCORES, *planted), 4)
    assert curve.name == "4-parameter logistic (VQEG)"
    # A falling curve is also a rising one with its ends swapped and a negative width, which |width| rules out.
    np.testing.assert_allclose(curve.values, planted, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("planted", [(60, 0.08, 50, 0.1, 30), (-60, 0.08, 50, -0.1, 30)])
def test_5_parameters_are_found_again(planted):
    curve = logistic.fit(SCORES, logistic.logistic5(SCORES, *planted), 5)
    assert curve.name == "5-parameter logistic (Sheikh)"
    np.testing.assert_allclose(curve.values, planted, rtol=1e-3, atol=1e-3)


def test_noise_moves_parameters_a_little_only():
    y = logistic.logistic4(SCORES, 90, 10, 40, 12) + np.random.default_rng(1).normal(size=400)
    np.testing.assert_allclose(logistic.fit(SCORES, y).values, (90, 10, 40, 12), rtol=0.05)


@pytest.mark.parametrize("parameters", [4, 5])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_bent_scale_is_straightened_and_the_sign_is_kept(parameters, sign):
    mos = logistic.logistic4(SCORES, 90, 10, 40, 12)
    curve = logistic.fit(sign * SCORES, mos, parameters)
    assert not curve.failure
    assert abs(np.corrcoef(SCORES, mos)[0, 1]) < 0.98
    assert logistic.plcc_after(curve, sign * SCORES, mos) == pytest.approx(sign, abs=1e-3)


@pytest.mark.parametrize("parameters", [4, 5])
@pytest.mark.parametrize("unit", [1e-3, 1, 1e4])
def test_the_unit_of_predictions_does_not_matter(parameters, unit):
    mos = SCORES + np.random.default_rng(2).normal(scale=30, size=400)
    plain, scaled = logistic.fit(SCORES, mos, parameters), logistic.fit(unit * SCORES - 7, mos, parameters)
    np.testing.assert_allclose(scaled(unit * SCORES - 7), plain(SCORES), rtol=1e-3, atol=1e-2)


def test_data_that_cannot_be_fitted_stay_raw_with_a_reason(monkeypatch):
    few = logistic.fit([1, 2, 3, 4], [1, 2, 3, 4])
    assert few.name == "raw: 4 photos are too few"
    np.testing.assert_array_equal(few([1, 7]), [1, 7])
    assert logistic.plcc_after(few, [1, 2, 3], [3, 2, 1]) == pytest.approx(-1)
    assert "constant" in logistic.fit(np.ones(9), SCORES[:9]).name
    monkeypatch.setattr(logistic, "EVALUATIONS", 3)
    assert logistic.fit(SCORES, SCORES**3).name == "raw: the fit did not converge"


def test_other_curves_are_refused():
    with pytest.raises(ValueError, match="4 and 5 parameters, not 3"):
        logistic.fit(SCORES, SCORES, 3)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=2, max_size=30), st.sampled_from([4, 5]))
def test_any_input_gives_a_fit_or_a_reason(both, parameters):
    x, y = np.array(both, float).T
    curve = logistic.fit(x, y, parameters)
    assert np.isfinite(curve(x)).all()
    assert curve.failure or np.mean((curve(x) - y) ** 2) <= np.var(y) * (1 + 1e-6)
    assert -1.000001 <= logistic.plcc_after(curve, x, y) <= 1.000001 or min(np.ptp(x), np.ptp(y)) == 0
