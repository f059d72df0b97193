"""SFA: crops, aggregations and regressions against NumPy, SciPy and scikit-learn."""

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import moment
from sklearn.cross_decomposition import PLSRegression
from tester import make

from noref.lab.errors import LabError
from noref.lab.evaluation.splits import by_content
from noref.lab.methods.sfa.network import STATISTICS, aggregate, overlapping
from noref.lab.preprocessing import working_pixels


def test_crops_overlap_by_half_and_cover_the_photo():
    photo = torch.randint(0, 256, (48, 64, 3), dtype=torch.uint8)
    crops = overlapping(photo, 32)
    places = [(top, left) for top in (0, 16) for left in (0, 16, 32)]
    assert len(crops) == len(places)
    for crop, (top, left) in zip(crops, places, strict=True):
        assert torch.equal(crop, photo[top : top + 32, left : left + 32])


@pytest.mark.parametrize("count", [2, 3, 4, 15])
def test_aggregations_are_those_of_the_paper(count):
    vectors = np.random.default_rng(count).normal(size=(count, 6)).astype(np.float32)
    mean = vectors.mean(axis=0)
    expected = [mean, vectors.std(axis=0, ddof=1)]
    expected += [np.quantile(vectors, at, axis=0, method="hazen") for at in (1, 0.75, 0.5, 0.25, 0)]  # as MATLAB's prctile
    expected += [mean, *(np.sign(m) * np.abs(m) ** (1 / k) for k in (2, 3, 4) for m in [moment(vectors, k)])]
    found = aggregate(torch.from_numpy(vectors)).reshape(sum(STATISTICS.values()), 6)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=5e-3)  # the cube root magnifies rounding near 0


def test_a_single_crop_has_no_deviation():
    vectors = torch.tensor([[0.5, -2.0]])
    found = aggregate(vectors).reshape(-1, 2)
    for place in (0, 2, 3, 4, 5, 6, 7):
        torch.testing.assert_close(found[place], vectors[0])
    assert not found[[1, 8, 9, 10]].any()


def test_the_score_is_the_mean_of_three_regressions(rated, tmp_path):
    parts = by_content(rated, {"train": 0.7, "validation": 0.3}, 0)
    method = make("sfa", {"data.cache": str(tmp_path / "cache")}).fit(parts["train"], parts["validation"], tmp_path)
    inputs, checks = (
        np.concatenate([method.network_.describe(_working(method, path)).detach().numpy() for path in part.paths])
        for part in parts.values()
    )
    channels = inputs.shape[1] // 11
    predicted = [
        PLSRegression(3, scale=False).fit(inputs[:, columns], parts["train"].mos).predict(checks[:, columns]).ravel()
        for columns in (slice(0, 2 * channels), slice(2 * channels, 7 * channels), slice(7 * channels, None))
    ]
    np.testing.assert_allclose(method.predict(parts["validation"].paths), np.mean(predicted, axis=0), atol=1e-4)
    table = pd.read_csv(tmp_path / "pls.csv")
    assert table["aggregation"].tolist() == [*STATISTICS, "mean of the three"]
    assert len(list((tmp_path / "cache").rglob("*.npy"))) == len(rated)


def _working(method, path):
    return torch.from_numpy(working_pixels(path, method.working_size))[None]


def test_it_predicts_no_map(rated, tmp_path):
    parts = by_content(rated, {"train": 0.7, "validation": 0.3}, 0)
    method = make("sfa").fit(parts["train"], parts["validation"], tmp_path)
    with pytest.raises(LabError, match="sfa predicts no quality map"):
        method.explain(parts["validation"].paths[0])


def test_a_side_that_backbones_cannot_divide_is_refused():
    with pytest.raises(LabError, match="multiple of 32 pixels, not 100"):
        make("sfa", {"side": 100}).build_network(pretrained=False)
