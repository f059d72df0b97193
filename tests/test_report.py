"""The HTML file of `noref report`: what it holds, how large it becomes, and that names of files cannot break it."""

import base64
import errno
import hashlib
import json
import math
import re
import sys
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import noref
from noref.cli import Exit
from noref.cli.app import app
from noref.store import Store
from pictures import make_scene
from report_records import HOSTILE, ROOT, failed, scored, series, thumbnail, write

pytest.importorskip("jinja2")

from noref.report import pictures


class Page(HTMLParser):
    """The elements of a page that tests look at."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.content: dict[str, str] = {}
        self._texts: list[str] = []
        self._raw = ""
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        facts = dict(attrs)
        self._raw = (facts.get("id") or facts.get("type") or tag) if tag in ("script", "style") else ""

    def handle_endtag(self, tag: str) -> None:
        self._raw = ""

    def handle_data(self, data: str) -> None:
        if self._raw:
            self.content[self._raw] = data
        else:
            self._texts += data.split()

    @property
    def text(self) -> str:
        return " ".join(self._texts)

    @property
    def data(self) -> dict[str, Any]:
        return json.loads(self.content["data"])

    @property
    def pictures(self) -> list[Any]:
        chunks = [json.loads(text) for name, text in self.content.items() if re.fullmatch(r"pictures-\d+", name)]
        return [picture for chunk in chunks for picture in chunk]


def call(*arguments: object):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def page(tmp_path) -> Path:
    return tmp_path / "report.html"


def test_rows_are_complete_and_ordered_by_score(page):
    report = Page(write(page, [scored("b.jpg", 70), scored("a.jpg", 20.1234567), scored("c.jpg", math.nan), failed("d.jpg")]))
    rows = report.data["rows"]
    assert report.data["root"] == ROOT
    assert rows["path"] == ["a.jpg", "b.jpg", "c.jpg"]
    assert rows["score"] == [20.123457, 70, None]
    assert rows["low"] == [10.1, 60, None]
    assert {(len(column)) for column in rows.values()} == {3}
    assert report.data["failures"] == [
        {"kind": "DamagedImage", "cure": "copy it again", "photos": [[f"{ROOT}d.jpg", "the data end early"]]}
    ]


def test_likely_defects_only_and_levels_that_are_not_predicted(page):
    defects = {"noise": noref.Defect(0.49, 3), "blur": noref.Defect(0.61), "banding": noref.Defect(0.9, 1.25)}
    data = Page(write(page, [scored("a.jpg", 20, defects=defects)])).data
    assert data["rows"]["defects"] == [[0, 0.9, 1.2, 1, 0.61, None]]
    assert data["defects"] == ["banding", "blur"]


def test_the_header_counts(page):
    text = Page(write(page, [*series(100), failed("x.jpg")])).text
    for stated in ("Photos scored 100", "Median score 49.5", "With a likely defect 62", "With warnings 10", "Failed 1"):
        name, number = stated.rsplit(" ", 1)
        assert f"{name} {number} " in f"{text} "
    assert "Scored by tiny 1 (common view) on 2026-01-02, 03:04 to 03:05 UTC" in text


def test_the_limits_of_the_model_are_stated(page):
    text = Page(write(page, [scored("a.jpg", 20)])).text
    assert "A <b>model</b> of the tests." in text
    assert "Blur & noise are <confused>." in text
    assert "90 %" in text
    assert "all 12 0.500 9.2" in text


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_arrive_exactly_and_as_text(page, name):
    report = Page(write(page, [scored(name, 20, picture=thumbnail()), scored("other.jpg", 30), failed(f"failed {name}")]))
    assert report.data["rows"]["path"][0] == name
    assert report.data["failures"][0]["photos"][0][0] == f"{ROOT}failed {name}"
    assert not [attributes for tag, attributes in report.tags if tag == "img" or "onerror" in attributes]
    assert len([tag for tag, _ in report.tags if tag == "script"]) == 4  # data, the rows with pictures, pictures, the script


def test_a_folder_with_a_hostile_name(page):
    report = Page(write(page, [scored(f"</title><script>x</script>{HOSTILE[3]}/{name}", 20) for name in "ab"]))
    assert "</title><script>x</script>caf\\udce9.jpg" in report.text
    assert len([tag for tag, _ in report.tags if tag == "script"]) == 4


def test_hostile_texts_of_results(page):
    hostile = "</script><b>"
    defects = {hostile: noref.Defect(0.9, 2)}
    photo = scored("a.jpg", 20, defects=defects, warnings=(hostile,))
    report = Page(write(page, [photo, failed("b.jpg", cause=hostile, cure=hostile)]))
    assert report.data["defects"] == report.data["warnings"] == [hostile]
    assert "b" not in [tag for tag, _ in report.tags]


def test_the_policy_allows_the_own_script_and_style_only(page):
    report = Page(write(page, series(3)))
    (rules,) = [facts["content"] for tag, facts in report.tags if facts.get("http-equiv") == "Content-Security-Policy"]
    directives = dict(rule.split(" ", 1) for rule in (rules or "").split("; "))
    assert directives["default-src"] == "'none'"
    assert directives["img-src"] == "data:"
    for directive, content in (("script-src", "module"), ("style-src", "style")):
        digest = hashlib.sha256(report.content[content].encode()).digest()
        assert directives[directive] == f"'sha256-{base64.b64encode(digest).decode()}'"


def test_nothing_is_loaded_from_elsewhere(page):
    report = Page(write(page, series(3)))
    links = [facts[name] for _, facts in report.tags for name in ("src", "href", "action", "srcset") if name in facts]
    assert links
    assert all((link or "").startswith("#") for link in links)
    assert "@import" not in report.content["style"]
    assert "url(" not in report.content["style"]
    assert not [facts for _, facts in report.tags if "style" in facts or any(name.startswith("on") for name in facts)]


def test_pictures_hold_thumbnail_map_and_summary(page):
    photo = scored("a.jpg", 20, picture=thumbnail())
    ((url, width, height, cells, summary),) = Page(write(page, [photo])).pictures
    assert base64.b64decode(url.removeprefix("data:image/jpeg;base64,")) == thumbnail()
    assert (width, height) == (16, 12)
    grid = np.frombuffer(base64.b64decode(cells), np.uint8).reshape(height, width)
    assert np.unique(grid[:, :8]).tolist() == [26]  # 10 of 100 as 25.5 of 255
    assert np.unique(grid[:, 8:]).tolist() == [230]
    assert summary == photo.assessment.summary()


def test_without_thumbnails_the_maps_stay_and_the_page_states_it(page):
    report = Page(write(page, [scored("a.jpg", 20), scored("b.jpg", 30, map=np.empty((0, 0), np.float32))]))
    assert [(picture[0], bool(picture[3])) for picture in report.pictures] == [("", True), ("", False)]
    assert "The results hold no thumbnails." in report.text
    assert "The results hold no thumbnails." not in Page(write(page, series(3))).text


def test_large_thumbnails_are_reduced_and_none_is_left_out(page):
    rng = np.random.default_rng(0)
    noise = [Image.fromarray(rng.integers(0, 256, (171, 256, 3), dtype=np.uint8)) for _ in range(40)]
    large = []
    for number, image in enumerate(noise):
        stream = BytesIO()
        image.save(stream, "JPEG", quality=90)
        large.append(scored(f"{number}.jpg", number, picture=stream.getvalue()))
    report = Page(write(page, large, max_bytes=700_000))
    assert page.stat().st_size < 700_000
    assert "Some thumbnails are smaller than stored" in report.text
    assert "The galleries are sampled" not in report.text
    assert len(report.pictures) == 40
    for picture in report.pictures:
        with Image.open(BytesIO(base64.b64decode(picture[0].partition(",")[2]))) as image:
            assert 16 <= image.width < 256


def test_beyond_the_size_galleries_are_sampled_and_the_table_is_complete(page):
    report = Page(write(page, series(1200), max_bytes=2_700_000))
    assert page.stat().st_size < 2_700_000
    stated = re.search(r"The galleries are sampled: ([\d,]+) of 1,200 photos", report.text)
    assert stated
    assert len(report.data["rows"]["path"]) == 1200
    pictured = json.loads(report.content["pictured"])
    assert len(pictured) == len(report.pictures) == int(stated[1].replace(",", ""))
    assert 300 < len(pictured) < 1200
    assert {*range(120), *range(1080, 1200)} <= set(pictured)  # the worst and the best
    assert max(np.diff(pictured)) < 100  # and some of every score
    blurred = [row for row in range(1200) if row % 4 == 0][-100:]
    assert set(blurred) <= set(pictured)  # the most severe


def test_a_size_below_that_of_the_table(page):
    report = Page(write(page, series(50), max_bytes=1))
    assert report.pictures == []
    assert len(report.data["rows"]["path"]) == 50
    assert "0 of 50 photos" in report.text


def test_a_thumbnail_that_is_no_picture_is_left_out_when_it_is_to_be_reduced():
    assert pictures.fitted(b"\xff\xd8 no picture", 5) is None
    assert pictures.fitted(b"small", 5) == b"small"


def test_maps_are_averaged_to_a_small_grid():
    quality = np.zeros((48, 96), np.float32)
    quality[:, 48:] = 200  # beyond the scale
    grid = pictures.coarse(quality)
    assert grid.shape == (12, 24)
    assert grid[:, :12].max() == 0
    assert grid[:, 12:].min() == 255


def test_a_photo_that_leaves_the_store_meanwhile_has_no_picture(page):
    photos = series(3)
    calls = iter([photos, photos[1:]])
    noref_report = sys.modules["noref.report"]
    noref_report.write(lambda: next(calls), {}, page, threshold=40, max_bytes=10**7)
    assert [picture is None for picture in Page(page).pictures] == [True, False, False]


@pytest.mark.parametrize("records", [[], [failed("a.jpg")], [scored("a.jpg", math.nan)]], ids=["none", "failed", "no score"])
def test_results_without_scores(page, records):
    report = Page(write(page, records))
    assert f"Failed {sum(record.failure is not None for record in records)} " in f"{report.text} "


def test_equal_results_give_equal_files(tmp_path):
    first, second = (write(tmp_path / name, series(20)) for name in ("a.html", "b.html"))
    assert first.read_bytes() == second.read_bytes()


def test_a_report_that_cannot_be_written_leaves_nothing(tmp_path):
    target = tmp_path / "folder"
    target.mkdir()
    with pytest.raises(OSError, match="folder"):
        write(target, series(3))
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


@pytest.fixture
def results(save, tmp_path) -> Path:
    folder = save("photos/a.png", make_scene()).parent
    save("photos/broken.png", b"no picture")
    path = tmp_path / "results.db"
    assert call("score", folder, "--out", path, "--thumbnails").exit_code == Exit.SOME_FAILED
    return path


def test_the_command_writes_the_report_of_a_file_of_results(results, page):
    result = call("report", results, page, "--threshold", 35)
    assert result.exit_code == Exit.OK
    assert re.fullmatch(rf"{re.escape(str(page))}: 0\.\d MB; unified 13, common view\n", result.stderr)
    report = Page(page)
    assert report.data["rows"]["path"] == ["a.png"]
    assert report.pictures[0][0].startswith("data:image/jpeg;base64,")
    assert [group["kind"] for group in report.data["failures"]] == ["NotAnImage"]
    assert {facts["value"] for tag, facts in report.tags if facts.get("id") in ("slider", "exact")} == {"35"}
    assert noref.Scorer().card.weaknesses[0][1:] in report.text


def test_the_settings_of_a_report_can_be_chosen(results, page):
    assert call("score", results.parent / "photos", "--out", results, "--view", "native").exit_code == Exit.SOME_FAILED
    result = call("report", results, page)
    assert "settings in the file: 1: unified 13, native view; 2: unified 13, common view" in result.stderr
    assert "(native view)" in Page(page).text
    assert call("report", results, page, "--settings", 2).exit_code == Exit.OK
    assert "(common view)" in Page(page).text


def test_the_command_never_overwrites_the_results(results):
    before = results.read_bytes()
    result = call("report", results, results)
    assert result.exit_code == Exit.STOPPED
    assert "holds the results; choose another name" in result.stderr
    assert results.read_bytes() == before


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("photo.png", "a report is an HTML file"),
        ("missing/page.html", "its folder does not exist"),
        ("folder.html", "a folder"),
    ],
)
def test_the_command_writes_pages_only(results, tmp_path, name, message):
    (tmp_path / "folder.html").mkdir()
    (tmp_path / "photo.png").write_bytes(b"a photo")
    result = call("report", results, tmp_path / name)
    assert result.exit_code == Exit.STOPPED
    assert message in result.stderr
    assert (tmp_path / "photo.png").read_bytes() == b"a photo"


def test_the_command_names_the_page_that_the_system_refuses(results, page, monkeypatch):
    def refused(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(page))

    monkeypatch.setattr("noref.report.write", refused)
    result = call("report", results, page)
    assert (result.exit_code, result.stderr) == (Exit.STOPPED, f"noref: {page}: Permission denied\n")


def test_the_command_without_results(tmp_path, page):
    result = call("report", tmp_path / "missing.db", page)
    assert result.exit_code == Exit.STOPPED
    assert "missing.db" in result.stderr
    with Store(tmp_path / "empty.db", "w"):
        pass
    result = call("report", tmp_path / "empty.db", page)
    assert result.exit_code == Exit.STOPPED
    assert "holds no results" in result.stderr
    assert not page.exists()


def test_the_command_without_its_extra(results, page, monkeypatch):
    for name in [name for name in sys.modules if name.startswith("noref.report")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "jinja2", None)
    result = call("report", results, page)
    assert result.exit_code == Exit.STOPPED
    assert "pip install 'noref[report]'" in result.stderr
