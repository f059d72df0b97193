"""Worked example: a new distortion is one function and one row of the table."""

from collections.abc import Iterator

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from noref.cli.app import app
from noref.lab import distortions
from noref.lab.distortions import chains, levels, registry
from noref.lab.distortions.registry import Pixels


@pytest.fixture
def dead_rows(monkeypatch) -> Iterator[distortions.Distortion]:
    """A distortion that exists for one test."""
    monkeypatch.setattr(registry, "_REGISTRY", dict(registry._REGISTRY))
    monkeypatch.setitem(
        levels.TABLE, "dead_rows", levels.Row("noise", (0.01, 0.03, 0.06, 0.1, 0.2), chain=True)
    )  # share of rows

    @distortions.distortion
    def dead_rows(pixels: Pixels, share: float, rng: np.random.Generator) -> Pixels:
        """Dead rows: black lines of a defective sensor."""
        distorted = pixels.copy()
        distorted[rng.random(len(pixels)) < share] = 0
        return distorted

    return distortions.get("dead_rows")


def test_it_is_registered_with_its_row(dead_rows, scene):
    assert distortions.names()[-1] == "dead_rows"
    assert (dead_rows.family, dead_rows.summary) == ("noise", "Dead rows: black lines of a defective sensor")
    black = [int((dead_rows(scene, level, np.random.default_rng(0)) == 0).all(axis=(1, 2)).sum()) for level in range(1, 6)]
    assert black == sorted(set(black))


def test_it_works_on_the_command_line(dead_rows, scene, save, tmp_path):
    photo, out = save("photo.png", scene), tmp_path / "distorted.png"
    arguments = ["lab", "distort", photo, "--type", "dead_rows", "--level", 3, "--out", out]
    result = CliRunner().invoke(app, [*map(str, arguments)])
    assert result.exit_code == 0, result.output
    np.testing.assert_array_equal(np.asarray(Image.open(out)), dead_rows(scene, 3, np.random.default_rng(0)))


def test_it_changes_no_recipe(dead_rows):
    assert "dead_rows" not in distortions.VERSION_1
    draws = [chains.draw(np.random.default_rng(seed)) for seed in range(300)]
    assert all(link.kind != "dead_rows" for chain in draws for link in chain)
    named = [chains.draw(np.random.default_rng(seed), (*distortions.VERSION_1, "dead_rows")) for seed in range(300)]
    assert any(link.kind == "dead_rows" for chain in named for link in chain)


def test_it_is_gone_after_the_test():
    assert "dead_rows" not in distortions.names()
    assert "dead_rows" not in levels.TABLE


def test_a_function_without_a_row_or_docstring_is_refused(monkeypatch):
    def no_row(pixels: Pixels, parameter: float, rng: np.random.Generator) -> Pixels:
        """Not in the table."""
        return pixels

    with pytest.raises(ValueError, match="no_row has no row in the table"):
        distortions.distortion(no_row)
    monkeypatch.setitem(levels.TABLE, "no_row", levels.TABLE["jpeg"])
    no_row.__doc__ = None
    with pytest.raises(ValueError, match="no_row has no docstring"):
        distortions.distortion(no_row)
