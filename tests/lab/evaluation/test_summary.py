"""Every measure of a table of predictions, failures counted."""

import numpy as np
import pandas as pd
import pytest

from noref.lab.evaluation import summary

RNG = np.random.default_rng(0)
MOS = RNG.uniform(1, 5, 300)
CORRELATIONS = ["srcc", "krcc", "plcc", "plcc_fitted"]


def predictions(predicted, **columns: object) -> pd.DataFrame:
    return pd.DataFrame({"mos": MOS, "predicted": predicted, "content": np.arange(300) // 3, **columns})


@pytest.mark.parametrize("parameters", [4, 5])
@pytest.mark.parametrize("sign", [1, -1])
def test_mos_and_its_negative(parameters, sign):
    found = summary.measures(predictions(sign * MOS), parameters)
    assert [found[name] for name in CORRELATIONS] == pytest.approx([sign] * 4, abs=1e-6)
    assert found["rmse_fitted"] == pytest.approx(0, abs=1e-2)
    assert (found["rmse"] == 0) == (sign == 1)


def test_noise_does_not_correlate():
    found = summary.measures(predictions(RNG.random(300)))
    assert [found[name] for name in CORRELATIONS] == pytest.approx([0] * 4, abs=0.15)


def test_intervals_are_by_content():
    error = np.repeat(RNG.normal(size=100), 3)
    (row,) = summary.by_part(predictions(MOS + error)).to_dict("records")
    (photo,) = summary.by_part(predictions(MOS + error, content=np.arange(300))).to_dict("records")
    assert row["srcc"] == photo["srcc"]
    assert row["srcc_high"] - row["srcc_low"] > 1.2 * (photo["srcc_high"] - photo["srcc_low"])
    assert (row["contents"], photo["contents"]) == (100, 300)
    few = summary.by_part(predictions(MOS + error, content=np.arange(300) % 3))
    assert few[["srcc_low", "plcc_high"]].isna().all(axis=None)


def test_failures_are_counted_and_not_measured():
    predicted = MOS.copy()
    predicted[:7] = np.nan
    table = summary.by_part(predictions(predicted, type=["blur"] * 100 + ["jpeg"] * 150 + [None] * 50), "type", resamples=50)
    assert table[["part", "n", "failed"]].to_numpy().tolist() == [["all", 293, 7], ["blur", 93, 7], ["jpeg", 150, 0]]
    assert table["srcc"].tolist() == pytest.approx([1, 1, 1])
    assert table[["srcc_low", "srcc_high", "plcc_low", "plcc_high"]].to_numpy() == pytest.approx(np.ones((3, 4)))


def test_a_group_called_all_does_not_replace_the_whole():
    table = summary.by_part(predictions(MOS, group=["all"] * 100 + ["other"] * 200), "group", resamples=10)
    assert table[["part", "n"]].to_numpy().tolist() == [["all", 300], ["group all", 100], ["other", 200]]


def test_nothing_but_failures():
    (row,) = summary.by_part(predictions(np.nan), resamples=10).to_dict("records")
    assert (row["n"], row["failed"], row["unfitted"]) == (0, 300, 1)
    assert np.isnan([row["srcc"], row["rmse"], row["plcc_fitted"], row["srcc_low"]]).all()
    assert row["fit"] == "none: 0 photos are too few"


def test_few_photos_have_no_measures_after_a_fit():
    few, enough = (summary.measures(predictions(RNG.random(300)).iloc[:n]) for n in (19, 20))
    assert np.isnan([few["plcc_fitted"], few["rmse_fitted"], few["within_1_fitted"]]).all()
    assert np.isfinite([few["srcc"], few["plcc"], few["rmse"], enough["plcc_fitted"]]).all()
    assert (few["fit"], few["unfitted"]) == ("none: 19 photos are too few", 1)
    assert enough["fit"] == "4-parameter logistic (VQEG)"


def test_another_scale_needs_the_fit():
    other = 100 / (1 + np.exp(3 - MOS)) + RNG.normal(size=300)
    found = summary.measures(predictions(other, mos_std=0.5))
    assert found["fit"] == "4-parameter logistic (VQEG)"
    assert found["rmse"] > 30
    assert found["rmse_fitted"] < 0.2
    assert found["plcc_fitted"] > found["plcc"] > 0.9
    assert (found["outliers"], found["outliers_fitted"]) == (1, 0)
    assert found["within_1_fitted"] > 0.95


def test_medians_over_splits_hide_no_split():
    found = summary.by_split({f"seed {i}": predictions(MOS + RNG.normal(size=300)) for i in range(5)})
    over = summary.over_splits(found).set_index("measure")
    assert over.loc["srcc", "median"] == found["srcc"].median()
    assert over.loc["srcc", "std"] == pytest.approx(np.std(found["srcc"], ddof=1))
    assert over.loc["srcc", "lowest"] <= over.loc["srcc", "median"] <= over.loc["srcc", "highest"]
    assert (over["splits"] == 5).all()
    found.loc[2, "srcc"] = np.nan
    assert np.isnan(summary.over_splits(found).set_index("measure").loc["srcc", "median"])
