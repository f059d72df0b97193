"""The examples about the training and choice of other systems run, in small form."""

import importlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, features

from pictures import make_scene

ROOT = Path(__file__).parents[2]


@pytest.fixture
def example(monkeypatch):
    """Import a module of the folder examples."""
    monkeypatch.syspath_prepend(ROOT / "examples")
    return importlib.import_module


def test_choosing_a_checkpoint(example, capsys):
    rows = example("choose_checkpoint").main(3, "diqa", side=32)
    assert [step for step, _, _ in rows] == [1, 2, 3]
    assert rows[-1][1] > rows[0][1]  # the network learns
    printed = capsys.readouterr().out
    best = max(rows, key=lambda row: row[2])[0]
    assert f"best by score: step {best}\n" in printed


def test_the_loss_of_a_denoiser(example, tmp_path, capsys):
    figures = example("quality_loss").main(tmp_path / "out.jpg", 2, "diqa", side=64)
    assert list(figures) == ["reference", "noisy", "weight 0", "weight 0.02", "weight 0.1", "weight 1"]
    assert len({figures[f"weight {weight}"] for weight in ("0", "0.02", "0.1", "1")}) == 4
    assert figures["reference"][0] == np.inf
    assert len(capsys.readouterr().out.splitlines()) == 6
    with Image.open(tmp_path / "out.jpg") as sheet:
        assert sheet.size == (6 * 258 - 8, 290)


@pytest.mark.skipif(not features.check("avif"), reason="Pillow has no AVIF here")
def test_choosing_the_compression(example, tmp_path, monkeypatch, capsys):
    compression = example("compression")
    monkeypatch.setattr(compression, "QUALITIES", {"JPEG": (95, 80, 10), "AVIF": (90, 60)})
    for seed in range(2):
        Image.fromarray(make_scene(160, 200, seed)).save(tmp_path / f"{seed}.png")
    saved = compression.main(sorted(map(str, tmp_path.iterdir())))
    assert set(saved) == {"JPEG", "AVIF"}
    assert all(0 <= share < 1 for share in saved.values())
    assert len(capsys.readouterr().out.splitlines()) == 6


def test_the_chosen_compression_is_the_lowest_that_keeps_the_score(example, monkeypatch):
    compression = example("compression")

    class Assessed:
        def __init__(self, score):
            self.score = score

    class Judge:
        """Gives a file the score that stands for its quality, and the photo the score of the best."""

        def score(self, source):
            return Assessed(90.0 if isinstance(source, Image.Image) else scores[int(source)])

    scores = {95: 89.9, 90: 88.5, 85: 88.0, 80: 87.9, 70: 89.0, 60: 50.0, 50: 50.0, 40: 50.0, 30: 50.0}
    monkeypatch.setattr(compression, "compressed", lambda photo, codec, quality: str(quality).encode())
    assert compression.choose(Image.new("RGB", (8, 8)), "JPEG", Judge()).quality == 85
    scores |= dict.fromkeys(scores, 10.0)
    assert compression.choose(Image.new("RGB", (8, 8)), "JPEG", Judge()).quality == 95
