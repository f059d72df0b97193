"""Small photos scored at the common size or as they are, in every way that a scorer can be called."""

import json
import pickle
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import noref
from noref.cli.app import app
from tiny_models import save_model

AREA = 4000
SMALL, LARGE = np.zeros((10, 20, 3), np.uint8), np.zeros((80, 60, 3), np.uint8)
POLICY = "every photo is scored at 4000 pixels"
NATIVE = f"{POLICY}; this one was not enlarged (native view)"


@pytest.fixture
def measure(tmp_path) -> Path:
    """A model whose score is a hundredth of the area at which a photo is scored."""
    return save_model(
        tmp_path / "measure.onnx",
        f"(uint8[1, H, W, 3] pixels, float area = {{{AREA}}}) => (float[1] score)",
        "share = Div(area, hundred) score = Reshape(share, shape)",
        "float hundred = {100}, int64[1] shape = {1}",
        area=AREA,
        policy=POLICY,
    )


def results(found: list[noref.Assessment]) -> list[tuple[float, str]]:
    return [(each.score, each.policy) for each in found]


def test_the_native_view_does_not_enlarge_small_photos(measure):
    expected = {"common": [(40, POLICY), (40, POLICY)], "native": [(2, NATIVE), (40, POLICY)]}
    for view, answers in expected.items():
        scorer = noref.Scorer(measure, view=view)
        assert results([scorer.score(SMALL), scorer.score(LARGE)]) == answers
        assert results(list(scorer.score_many([SMALL, LARGE], jobs=2))) == answers
        assert results([noref.score(photo, model=measure, view=view) for photo in (SMALL, LARGE)]) == answers
    assert results([noref.Scorer(measure).score(SMALL), noref.score(SMALL, model=measure)]) == [(40, POLICY)] * 2


def test_a_pickle_keeps_the_view(measure):
    for view, score in (("native", 2), ("common", 40)):
        scorer = pickle.loads(pickle.dumps(noref.Scorer(measure, view=view)))
        assert (scorer.view, scorer.score(SMALL).score) == (view, score)


def test_a_pool_of_processes_keeps_the_view(measure):
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        assert pool.submit(noref.Scorer(measure, view="native").score, SMALL).result().policy == NATIVE


def test_a_model_that_never_enlarges_gives_the_same_in_both_views(scene):
    common, native = (noref.Scorer("diqa", view=view).score(scene) for view in ("common", "native"))
    assert common.to_dict() == native.to_dict()


def test_an_unknown_view_is_refused():
    with pytest.raises(ValueError, match="no view 'screen'; views are: common, native"):
        noref.Scorer("diqa", view="screen")


@pytest.mark.parametrize("option", ["threads", "max_pixels"])
def test_a_number_below_1_is_refused(option):
    with pytest.raises(ValueError, match=f"{option}=0; give at least 1"):
        noref.Scorer("diqa", **{option: 0})


def test_the_command_line_has_both_views(measure, save):
    photo = save("small.png", SMALL)
    for options, expected in (((), (40, POLICY)), (("--view", "native"), (2, NATIVE))):
        words = ["score", str(photo), "--model", str(measure), "--format", "jsonl", *options]
        row = json.loads(CliRunner().invoke(app, words).stdout)
        assert (row["score"], row["policy"]) == expected
    refused = CliRunner().invoke(app, ["score", str(photo), "--view", "screen"])
    assert refused.exit_code == 2
    assert "native" in refused.stderr
