"""Worked example: a new database is one reader with its card."""

from collections.abc import Callable
from pathlib import Path

import make_layouts as make
import pytest

from noref.lab import datasets
from noref.lab.datasets import DatabaseCard, RatedImages, database, registry
from noref.lab.datasets.files import columns, numbers, require
from noref.lab.errors import LabError
from noref.lab.files import read_csv

CARD = DatabaseCard(
    name="lake-photos",
    title="Lake photos",
    citation="A. Author, Photos of lakes, 2026",
    licence="CC0-1.0",
    published_range=(0.0, 100.0),
    higher_is_better=False,
    images=2,
    references=0,
    source="https://example.org",
    layout="a folder with scores.csv (photo, lake, dmos) and the photos",
)


def read_lakes(folder: str | Path) -> RatedImages:
    folder = require(folder, "scores.csv", layout=CARD.layout)
    file = folder / "scores.csv"
    table = columns(read_csv(file), file, "photo", "lake", "dmos")
    numbers(table, file, "dmos")
    table = table.rename(columns={"photo": "image", "lake": "content"}).assign(mos=CARD.mos(table["dmos"]))
    return RatedImages(CARD.name, folder, table.drop(columns="dmos"), CARD.mos_range)


@pytest.fixture
def registered(monkeypatch) -> Callable[..., RatedImages]:
    """The database exists for one test."""
    monkeypatch.setattr(registry, "_DATABASES", dict(registry._DATABASES))
    return database(CARD)(read_lakes)


def test_it_is_listed_and_read(registered, tmp_path):
    make.text(tmp_path / "scores.csv", "photo,lake,dmos\na.png,Como,20\nb.png,Garda,70\n")
    assert "lake-photos" in datasets.names()
    assert datasets.card("lake-photos").direction == "DMOS, lower is better; MOS = 100 - DMOS"
    rated = datasets.read("lake-photos", tmp_path)
    assert rated.table[["image", "content", "mos"]].to_numpy().tolist() == [["a.png", "Como", 80.0], ["b.png", "Garda", 30.0]]


def test_its_errors_name_the_file(registered, tmp_path):
    with pytest.raises(LabError, match=r"scores\.csv is missing: expected a folder with scores\.csv"):
        datasets.read("lake-photos", tmp_path)
    make.text(tmp_path / "scores.csv", "photo,lake,dmos\na.png,Como,high\n")
    with pytest.raises(LabError, match="'high' in the column dmos is not a number"):
        datasets.read("lake-photos", tmp_path)
    make.text(tmp_path / "scores.csv", "photo,lake,dmos\n")
    with pytest.raises(LabError, match="lists no photos"):
        datasets.read("lake-photos", tmp_path)


def test_it_is_gone_after_the_test():
    assert "lake-photos" not in datasets.names()
