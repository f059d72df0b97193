"""Models that measure how far a photo is from the training photos."""

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image, ImageDraw, ImageFont
from skimage import data

import noref
from noref import card
from noref.cli.app import app
from tiny_models import save_model

WARNING = "unlike the photos that the model was trained on (distance 1.8 times the threshold): the score is less certain"


@pytest.fixture
def measure(tmp_path) -> Path:
    """A model for which a photo is the more unusual the brighter it is; the threshold is 100."""
    return save_model(
        tmp_path / "measure.onnx",
        "(uint8[1, H, W, 3] pixels) => (float[1] score, float[1] unusual)",
        """values = Cast<to = 1>(pixels) mean = ReduceMean<keepdims = 0>(values) share = Div(mean, hundred)
        unusual = Reshape(share, shape) score = Identity(fifty)""",
        "float hundred = {100}, float[1] fifty = {50}, int64[1] shape = {1}",
        usual=0.99,
    )


@pytest.mark.parametrize(("level", "expected"), [(0, ()), (100, ()), (180, (WARNING,))])
def test_an_unusual_photo_gets_a_warning(measure, level, expected):
    assert noref.Scorer(measure).score(np.full((8, 8, 3), level, np.uint8)).warnings == expected


def test_the_warning_follows_those_of_the_reader(measure):
    scorer = noref.Scorer(measure)
    photo = scorer.read(np.full((8, 8, 3), 180, np.uint8))
    assert scorer.assess(photo._replace(warnings=("the first of 2 frames",))).warnings == ("the first of 2 frames", WARNING)


def test_the_command_line_shows_warning_and_share(measure, save, monkeypatch):
    photo = save("a.png", np.full((8, 8, 3), 180, np.uint8))
    assert f"({WARNING})" in CliRunner().invoke(app, ["score", str(photo), "--model", str(measure)]).stdout
    monkeypatch.setattr(card, "FOLDER", measure.parent)
    line = "  unusual      a warning; 99% of photos similar to the training photos have none\n"
    assert line in CliRunner().invoke(app, ["models"]).stdout


def test_the_default_model_warns_of_a_page_of_text_and_widens_its_interval():
    page = Image.new("RGB", (640, 480), "white")
    pen = ImageDraw.Draw(page)
    for top in range(20, 460, 24):
        pen.text((20, top), "The quick brown fox jumps over the lazy dog. " * 3, "black", ImageFont.load_default(14))
    written, photo = noref.score(page), noref.score(data.coffee())
    assert any("unlike the photos" in warning for warning in written.warnings)
    assert not photo.warnings
    assert np.ptp(written.interval) > 1.3 * np.ptp(photo.interval)
