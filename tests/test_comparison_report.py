"""The page of a comparison: what it states, that it loads and runs nothing, and that names cannot break it."""

import base64
import hashlib
import io
from pathlib import Path

import pytest
from PIL import Image

from report_records import CARD, HOSTILE, ROOT, failed, scored, thumbnail

pytest.importorskip("jinja2")

from noref import Defect, report
from noref.comparison import System, compare
from noref.report import comparison as pages
from noref.store import Record
from test_report import Page


def system(name: str, *records: Record) -> System:
    return System(name, records[0].settings, CARD, lambda pictures: records, ROOT)


def write(path: Path, *systems: System, most: int = 10) -> Page:
    report.write_comparison(compare(systems), systems, path, most=most)
    return Page(path)


@pytest.fixture
def systems() -> list[System]:
    """Noise is gained in the first three pictures, blur lost in the first; one picture fails."""
    noise, blur = {"noise": Defect(0.9, 3.0)}, {"blur": Defect(0.7, 1.0)}
    absent = {name: Defect(0.1, 0.0) for name in ("noise", "blur")}
    before = [
        scored(f"{n}.jpg", 50 + n, picture=thumbnail(n), defects={**absent, **(blur if n == 0 else {})}) for n in range(8)
    ]
    after = [
        scored(f"{n}.jpg", 40 + 2 * n, picture=thumbnail(n), defects={**absent, **(noise if n < 3 else {})}) for n in range(8)
    ]
    return [system("before", *before, failed("x.jpg")), system("after", *after, scored("x.jpg", 40))]


def test_the_figures_are_stated(tmp_path, systems):
    text = write(tmp_path / "c.html", *systems).text
    for stated in (
        "2 systems, 8 pictures paired by path, 1 picture left out that failed in a system; tiny 1, common view.",
        "Mean score of before 53.5",
        "Pictures left out 1",
        "after \N{MINUS SIGN} before -6.50",
        "0 % 100 % 0 %",  # wins, losses, ties
        "before → after noise 0 3 3 0",
        "before → after blur 1 0 0 1",
        "x.jpg before the data end early; copy it again",
        "A <b>model</b> of the tests.",
    ):
        assert stated in text


def test_pictures_stand_side_by_side_with_scores_and_defects(tmp_path, systems):
    page = write(tmp_path / "c.html", *systems, most=2)
    assert "2 of 8 pictures" in page.text
    assert "0.jpg range 10.0 50.0 before blur 1.0/5 40.0 after + noise 3.0/5 1.jpg range 9.0" in page.text
    sources = [facts["src"] for tag, facts in page.tags if tag == "img"]
    assert len(sources) == 4
    for source in sources:
        with Image.open(io.BytesIO(base64.b64decode(source.removeprefix("data:image/jpeg;base64,")))) as image:
            assert image.size == (64, 48)


def test_results_without_thumbnails(tmp_path):
    page = write(tmp_path / "c.html", *(system(name, *(scored(f"{n}.jpg", 50) for n in range(3))) for name in "ab"))
    assert page.text.count("no thumbnail ") == 6
    assert "Score with --thumbnails to show the pictures here." in page.text
    assert "No picture gained or lost a defect." not in page.text  # the model predicts none
    assert "a 50.0 - 0" in page.text  # three pictures give no interval


def test_every_picture_stands_in_the_plot_and_a_tie_in_its_middle(tmp_path):
    changes = {"worse.jpg": -30, "even.jpg": 0, "tie.jpg": 0, "better.jpg": 4, "best.jpg": 30}
    first = system("a", *(scored(name, 50) for name in changes))
    second = system("b", *(scored(name, 50 + change) for name, change in changes.items()))
    found = compare([first, second])
    (plot,) = pages._plots(found, reach=30)
    assert [(bar.kind, bar.text.partition(": ")[2]) for bar in plot.bars] == [
        ("worse", "1 picture"),
        ("even", "2 pictures"),
        ("better", "1 picture"),
        ("better", "1 picture"),
    ]
    assert plot.bars[0].left == 0
    assert plot.bars[-1].left == pytest.approx(100 - 100 / 41)
    assert plot.mean == pytest.approx(50 + 50 * 0.8 / 30)
    page = write(tmp_path / "c.html", first, second)
    assert "-30 -20 -10 0 +10 +20 +30" in page.text


@pytest.mark.parametrize(("most", "expected"), [(0, (1, 0.5)), (3.9, (4, 1)), (4.1, (6, 2)), (35, (40, 10)), (100, (100, 50))])
def test_the_axis_ends_at_a_round_number(most, expected):
    assert pages._reach(most) == pytest.approx(expected)


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_names_are_text(tmp_path, hostile):
    scores = {hostile: 20, "other.jpg": 30}
    systems = [
        system(
            name,
            *(scored(each, score, defects={hostile: Defect(0.9)}) for each, score in scores.items()),
            failed(f"f {hostile}"),
        )
        for name in (hostile, "other")
    ]
    page = write(tmp_path / "c.html", *systems)
    assert not [tag for tag, facts in page.tags if tag in ("script", "img") or "onerror" in facts]


def test_the_page_runs_nothing_and_may_load_nothing(tmp_path, systems):
    path = tmp_path / "c.html"
    page = write(path, *systems)
    (rules,) = [facts["content"] for tag, facts in page.tags if facts.get("http-equiv") == "Content-Security-Policy"]
    digest = base64.b64encode(hashlib.sha256(page.content["style"].encode()).digest()).decode()
    assert rules == f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert not [
        tag for tag, facts in page.tags if tag == "script" or "style" in facts or ("href" in facts and facts["href"][0] != "#")
    ]
    again = tmp_path / "again.html"
    write(again, *systems)
    assert again.read_bytes() == path.read_bytes()
