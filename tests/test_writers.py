"""Output formats: common properties, and their treatment of unusual names."""

import csv
import dataclasses
import io
import json
import math

import numpy as np
import pytest

from noref import Assessment, InternalError, ModelCard, NotAnImage, writers
from noref.printing import printable
from noref.writers.csv import COLUMNS

CARD = ModelCard("m", "1", "", "", "", "", "", "as is", 1)
RESULT = Assessment("photo.jpg", 40.25, np.empty((0, 0), np.float32), "m 1", "as is", (30, 20), ("a note",))
FAILURE = NotAnImage("letter.jpg", "not a picture", "give a picture")


def written(form: str, *results: writers.Result, **options: bool) -> str:
    out = io.StringIO()
    writer = writers.opened(form, out, CARD, **options)
    for result in results:
        writer.write(result)
    return out.getvalue()


def named(name: str) -> Assessment:
    return dataclasses.replace(RESULT, name=name)


class Watched(io.StringIO):
    """Remembers what was there at each flush."""

    def __init__(self) -> None:
        super().__init__()
        self.flushed: list[str] = []

    def flush(self) -> None:
        self.flushed.append(self.getvalue())


@pytest.mark.parametrize("form", writers.FORMATS)
class TestEveryWriter:
    def test_writes_nothing_before_the_first_result(self, form):
        assert written(form) == ""

    def test_flushes_each_result_and_leaves_the_stream_open(self, form):
        out = Watched()
        writer = writers.FORMATS[form](out, CARD)
        writer.write(RESULT)
        writer.write(FAILURE)
        assert ["photo.jpg" in text and "letter.jpg" not in text for text in out.flushed[:1]] == [True]
        assert "letter.jpg" in out.flushed[-1]
        assert not out.closed

    def test_appends_a_record_for_every_result(self, form):
        one, two = written(form, RESULT), written(form, RESULT, FAILURE)
        assert two.startswith(one)
        assert two.count("\n") == one.count("\n") + 1

    def test_writes_the_summary_of_an_assessment_if_it_explains(self, form):
        plain, explained = written(form, RESULT, FAILURE), written(form, RESULT, FAILURE, explain=True)
        assert RESULT.summary() in " ".join(explained.split())
        assert RESULT.summary() not in " ".join(plain.split())
        assert "not a picture" in explained

    def test_shows_internal_errors_as_such(self, form):
        assert "internal error (KeyError: 'x')" in written(form, InternalError.of("a.jpg", KeyError("x")))


def test_the_table():
    assert written("table", RESULT, FAILURE).splitlines() == [
        "score  photo",
        " 40.2  photo.jpg  (a note)",
        "    -  letter.jpg: not a picture; give a picture",
    ]


def test_the_summary_stands_below_its_photo():
    unusual = dataclasses.replace(RESULT, score=85.0, warnings=("a\x1b[2J",) * 9)
    lines = written("table", unusual, FAILURE, explain=True).splitlines()
    assert lines[1].startswith(" 85.0  photo.jpg")
    assert lines[2].startswith("       The technical quality is very good, with a score of 85 out of 100.")
    assert lines[-2:] == ["", "    -  letter.jpg: not a picture; give a picture"]
    below = lines[2:-2]
    assert max(map(len, below)) <= 100
    assert all(line.startswith("       ") for line in below)
    assert r"a\x1b[2J; a\x1b[2J" in " ".join(map(str.strip, below))


def test_csv_and_json_have_a_field_for_the_summary():
    row, failed = csv.DictReader(io.StringIO(written("csv", RESULT, FAILURE, explain=True)))
    assert (row["summary"], failed["summary"]) == (RESULT.summary(), "")
    row, failed = map(json.loads, written("jsonl", RESULT, FAILURE, explain=True).splitlines())
    assert row["summary"] == RESULT.summary()
    assert "summary" not in failed


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a\n 99.9  b.jpg", r"a\n 99.9  b.jpg"),
        ("\x1b[2Ja.jpg", r"\x1b[2Ja.jpg"),
        ("a\rb\tc\x7f\x9b", r"a\rb\tc\x7f\x9b"),
        ("a\u2028b\u202egpj.exe", r"a\u2028b\u202egpj.exe"),
        ("a\u200f\u061cb.jpg", r"a\u200f\u061cb.jpg"),
        ("écran\u202f写真 👩\u200d🚀.jpg", "écran\u202f写真 👩\u200d🚀.jpg"),
        ("C:\\new\\a.jpg", "C:\\new\\a.jpg"),
        ("caf\udce9.jpg", "caf\udce9.jpg"),
    ],
)
def test_names_cannot_forge_the_table(name, shown):
    assert printable(name) == shown
    assert written("table", named(name)).split("\n")[1:] == [f" 40.2  {shown}  (a note)", ""]
    assert written("table", NotAnImage(name, "x", "y")).split("\n")[1:] == [f"    -  {shown}: x; y", ""]


@pytest.mark.parametrize("name", ['a,b".jpg', "a\nb.jpg", "a\rb.jpg", "a\r\nb.jpg", "caf\udce9.jpg"])
def test_any_name_survives_a_csv_round_trip(name):
    text = written("csv", named(name), NotAnImage(name, "x", "y"))
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [row["image"] for row in rows] == [name, name]
    assert text.startswith(",".join(COLUMNS) + "\n")


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_csv_cells_are_not_formulas(first):
    warned = dataclasses.replace(named(f"{first}1+1.jpg"), warnings=(f"{first}2",))
    [row] = csv.DictReader(io.StringIO(written("csv", warned), newline=""))
    assert row["image"] == f"'{first}1+1.jpg"
    assert row["warnings"] == f"'{first}2"


def test_csv_numbers_stay_numbers():
    below = dataclasses.replace(RESULT, score=-1.5, interval=(-2.0, 3.0))
    [row] = csv.DictReader(io.StringIO(written("csv", below)))
    assert (row["score"], row["low"], row["high"], row["width"]) == ("-1.5", "-2.0", "3.0", "30")


@pytest.mark.parametrize("name", ["=a\n\x1b.jpg", "caf\udce9.jpg", "写真.jpg"])
def test_any_name_survives_a_json_round_trip_in_ascii(name):
    text = written("jsonl", named(name))
    assert text.isascii()
    assert json.loads(text)["image"] == name
    assert text.count("\n") == 1


def test_json_has_null_for_what_the_model_does_not_predict():
    record = json.loads(written("jsonl", dataclasses.replace(RESULT, score=math.nan)))
    assert record["score"] is None
    assert record["interval"] is None
