"""The report in Chromium: threshold, downloads, galleries, table, keyboard, narrow screens, accessibility."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from browser import CHROMIUM, DRIVER, Browser
from noref import Defect
from report_records import CARD, HOSTILE, ROOT, failed, scored, series, thumbnail, write

pytest.importorskip("jinja2")
pytest.importorskip("selenium", reason="no Selenium")

from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

AXE = os.environ.get("NOREF_AXE", "")

pytestmark = pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="no Chromium with its driver")

PHOTOS = 400


class Report(Browser):
    """The browser with a report."""

    def open(self, page: Path) -> None:
        self.load(page.as_uri())

    @property
    def focused(self) -> str:
        return self.js("return document.activeElement.getAttribute('aria-label') || document.activeElement.innerText")


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Report]:
    with Report.started(tmp_path_factory.mktemp("downloads")) as browser:
        yield browser


@pytest.fixture
def browser(chromium: Report) -> Iterator[Report]:
    """A browser that must not report anything on its console."""
    yield chromium
    chromium.cdp("Emulation.clearDeviceMetricsOverride")
    assert chromium.messages() == []


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    names = [scored(name, 0.5 * number, picture=thumbnail()) for number, name in enumerate(HOSTILE)]
    failures = [failed("broken.jpg"), failed("tiny.png", "ImageTooSmall", "5 x 5 pixels", "give the original")]
    return write(tmp_path_factory.mktemp("report") / "report.html", [*series(PHOTOS), *names, *failures])


@pytest.fixture
def report(browser: Report, page: Path) -> Report:
    browser.open(page)
    return browser


def test_the_threshold_counts_the_photos_below_it(report):
    assert report.text("#below") == "166 photos"  # 160 of the series and six hostile names
    slider = report.find("#slider")
    slider.send_keys(Keys.HOME)
    assert report.text("#below") == "0 photos"
    slider.send_keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    assert report.text("#below") == f"{8 + 4} photos"
    assert report.text("#share").startswith("below 2: 3.0 %")
    assert report.find("#exact").get_attribute("value") == "2"
    assert "contains the threshold" in report.text("#doubt")
    exact = report.find("#exact")
    exact.clear()
    exact.send_keys("50.25")
    assert report.text("#below") == f"{PHOTOS // 2 + 1 + 6} photos"  # 50.25 is not below itself
    assert report.text("#share").startswith("below 50.25: ")
    assert report.js("return document.querySelectorAll('.bin.below').length") == 25


def test_paths_are_downloaded_with_their_exact_bytes(report):
    report.find("#slider").send_keys(Keys.HOME, *3 * [Keys.ARROW_RIGHT])
    content = report.download("#save-paths", "below-3.txt")
    lines = content.removesuffix(b"\n").split(b"\n")
    assert len(lines) == 12 + 6
    assert {os.fsencode(ROOT + name) for name in HOSTILE} <= set(lines)
    assert "below-3.txt: 18 paths" in report.text("#saved")
    report.js("document.querySelector('input[value=above]').click()")
    assert report.download("#save-paths", "from-3.txt").count(b"\n") == PHOTOS - 12


def test_csv_is_neutralised_and_quoted(report):
    report.find("#slider").send_keys(Keys.HOME, Keys.ARROW_RIGHT)
    rows = report.download("#save-csv", "below-1.csv").split(b"\n")
    assert rows[0] == b"image,score,low,high,defects,width,height,warnings"
    assert rows[1].startswith(ROOT.encode() + b"series 0/00000.jpg,0,0,10,") or b"</script>" in rows[1]
    assert any(b"noise 2.5/5; focus blur 0.0/5" in row for row in rows)


def test_a_path_with_a_line_break_is_separated_by_nul(browser, tmp_path):
    browser.open(write(tmp_path / "report.html", [scored("two\nlines.jpg", 10), scored("one.jpg", 20)]))
    content = browser.download("#save-paths", "below-40-null.txt")
    assert content == f"{ROOT}two\nlines.jpg\0{ROOT}one.jpg\0".encode()
    assert "xargs -0" in browser.text("#saved")
    assert "two\\x0alines.jpg" in browser.texts("#gallery .name")


def test_hostile_names_are_text(report):
    assert report.driver.title == f"Photo quality: {ROOT}"
    names = " ".join(report.texts("#gallery .name"))
    assert HOSTILE[1] in names
    assert ROOT + HOSTILE[0] in report.js("return [...document.querySelectorAll('#gallery .name')].map((each) => each.title)")
    assert "caf\\udce9.jpg" in names
    assert "\\u202egpj.exe" in names
    assert report.js("return document.querySelectorAll('#gallery script, #gallery img:not(.view img)').length") == 0


def test_galleries(report):
    def scores() -> list[float]:
        return [float(text) for text in report.texts("#gallery .score")]

    assert scores() == sorted(scores())
    assert len(scores()) == 24
    report.click("#more")
    assert len(scores()) == 48
    report.click(".chips [data-gallery=best]")
    assert scores() == sorted(scores(), reverse=True)
    assert scores()[0] == 99.8
    report.click(".chips [data-gallery=near]")
    assert all(36 < score < 44 for score in scores())
    report.find("#slider").send_keys(Keys.HOME)
    report.wait(lambda: all(score < 5 for score in scores()))
    report.click(".bars li:last-child button")
    assert report.text(".chips [aria-pressed=true]").startswith("focus blur")
    assert all("focus blur" in text for text in report.texts("#gallery .defect-chips"))
    assert "of 100 photos" in report.text("#gallery-state")


def test_the_map_appears_on_hover_and_focus(report):
    shown = "return document.querySelectorAll('#gallery .view.mapped').length"
    assert report.js(shown) == 0
    photo = report.find("#gallery .photo-button")
    report.js("arguments[0].scrollIntoView({block: 'center'})", photo)
    ActionChains(report.driver).move_to_element(photo).perform()
    report.wait(lambda: report.js(shown) == 1)
    left, right = report.js("""
        const canvas = document.querySelector('#gallery .view.mapped canvas');
        const row = canvas.getContext('2d').getImageData(0, canvas.height / 2, canvas.width, 1).data;
        return [.2, .8].map((place) => row[4 * Math.round(place * canvas.width) + 3]);
    """)
    assert left > 100
    assert right == 0
    ActionChains(report.driver).move_to_element(report.find("#photos-title")).perform()
    report.wait(lambda: report.js(shown) == 0)
    report.find(".chips button:last-child").send_keys(Keys.TAB)
    report.wait(lambda: report.js(shown) == 1)


def test_a_tap_shows_the_map(report):
    report.resize(390, 800)
    photo = report.find("#gallery .photo-button")
    report.js("arguments[0].scrollIntoView({block: 'center'})", photo)
    x, y = report.js("const box = arguments[0].getBoundingClientRect(); return [box.x + 40, box.y + 40]", photo)
    report.cdp("Emulation.setTouchEmulationEnabled", enabled=True)
    for event, points in (("touchStart", [{"x": x, "y": y}]), ("touchEnd", [])):
        report.cdp("Input.dispatchTouchEvent", type=event, touchPoints=points)
    report.cdp("Emulation.setTouchEmulationEnabled", enabled=False)
    report.wait(lambda: report.js("return document.querySelectorAll('#gallery .view.mapped').length") == 1)
    assert not report.js("return document.getElementById('detail').open")


def test_details_by_keyboard(report):
    report.js("document.querySelectorAll('#gallery .photo-button')[0].focus()")
    report.press(Keys.ENTER)
    assert report.js("return document.getElementById('detail').open")
    first = report.text("#detail-name")
    assert "technical quality" in report.text("#detail .summary").lower()
    assert report.focused == "Next photo"
    report.press(Keys.ARROW_RIGHT)
    assert report.text("#detail-name") != first
    report.press(Keys.ARROW_LEFT)
    assert report.text("#detail-name") == first
    report.press(Keys.ESCAPE)
    assert not report.js("return document.getElementById('detail').open")
    assert report.focused.endswith(": open")


def test_the_table_sorts(report):
    def first() -> str:
        return report.text("#body .name")

    assert [report.text("#body .score"), report.text("#matches")] == ["0.0", f"{PHOTOS + 6} photos"]
    report.click("[data-sort=score]")
    assert first() == f"{PHOTOS - 1:05d}.jpg"
    assert report.find("th.number").get_attribute("aria-sort") == "descending"
    report.click("[data-sort=path]")
    assert report.find("#body th").get_attribute("title") == ROOT + HOSTILE[0]
    assert [head.get_attribute("aria-sort") for head in report.all("#table th[aria-sort]")] == ["ascending"]
    report.click("[data-sort=severity]")
    assert first() == "00396.jpg"  # focus blur at level 4.95


def test_the_table_filters_and_searches(report):
    def matches() -> str:
        return report.text("#matches")

    search = report.find("[name=words]")
    search.send_keys("SERIES 1/ 0003")
    report.wait(lambda: matches() == f"3 of {PHOTOS + 6} photos")
    assert report.texts("#body .name") == ["00031.jpg", "00034.jpg", "00037.jpg"]
    report.click("#filters [type=reset]")
    report.wait(lambda: matches() == f"{PHOTOS + 6} photos")
    report.find("[name=from]").send_keys("10")
    report.find("[name=to]").send_keys("12.5")
    report.wait(lambda: matches() == f"10 of {PHOTOS + 6} photos")
    report.click("[name=warned]")
    report.wait(lambda: matches() == f"1 of {PHOTOS + 6} photos")
    report.click("#filters [type=reset]")
    report.js("""
        const field = document.querySelector('[name=defect]');
        field.value = [...field.options].find((option) => option.text === 'focus blur').value;
        field.dispatchEvent(new Event('input', {bubbles: true}));
    """)
    report.wait(lambda: matches() == f"100 of {PHOTOS + 6} photos")
    assert report.download("#table-paths", "photos.txt").count(b"\n") == 100


def test_the_table_holds_the_rows_in_view_only(report):
    assert len(report.all("#body tr")) < 60
    report.js("const scroller = document.getElementById('scroller'); scroller.scrollTop = scroller.scrollHeight")
    report.wait(lambda: report.texts("#body .name")[-1] == f"{PHOTOS - 1:05d}.jpg")
    assert len(report.all("#body tr")) < 60


def test_the_table_by_keyboard(report):
    report.js("document.querySelector('#body .name').focus()")
    report.press(*30 * [Keys.ARROW_DOWN])
    assert report.js("return document.activeElement.dataset.place") == "30"
    report.press(Keys.END)
    assert report.js("return document.activeElement.dataset.place") == f"{PHOTOS + 5}"
    report.press(Keys.PAGE_UP, Keys.PAGE_UP)
    assert PHOTOS - 60 < int(report.js("return document.activeElement.dataset.place")) < PHOTOS
    report.press(Keys.HOME)
    assert report.js("return document.activeElement.dataset.place") == "0"
    report.press(*30 * [Keys.ARROW_DOWN], Keys.ARROW_UP, Keys.ENTER)
    assert report.text("#detail [role=status]") == f"30 of {PHOTOS + 6}"


def test_a_printed_table_holds_all_rows(report):
    report.js("""
        addEventListener("beforeprint", () => {
            const heights = [...document.querySelectorAll(".spacer")].map((each) => each.offsetHeight);
            window.printed = [document.querySelectorAll("#body .name").length, ...heights];
        });
    """)
    report.cdp("Page.printToPDF")
    assert report.js("return window.printed") == [PHOTOS + 6, 0, 0]
    report.wait(lambda: len(report.all("#body tr")) < 60)


def test_a_model_without_defects_has_none_in_its_report(browser, tmp_path):
    browser.open(write(tmp_path / "report.html", [scored("a.jpg", 10), scored("b.jpg", 60)], {**CARD, "defects": []}))
    browser.resize(390, 800)
    assert "defect" not in browser.text("#all").lower()
    assert "likely defect" not in browser.text(".tiles").lower()
    assert browser.texts("#body .score") == ["10.0", "60.0"]


def test_a_model_without_scores_begins_with_its_defects(browser, tmp_path):
    records = [scored(f"{number}.jpg", float("nan"), defects={"noise": Defect(0.3 * number, 2.0)}) for number in range(4)]
    browser.open(write(tmp_path / "report.html", records))
    assert not browser.all("#scores")
    assert browser.text("#gallery-state") == "2 of 2 photos"
    assert browser.texts("#gallery .name") == ["2.jpg", "3.jpg"]
    browser.open(write(tmp_path / "none.html", records[:1]))
    assert not browser.all("#photos, #scores")
    assert browser.texts("#body .name") == ["0.jpg"]


def test_failures_with_cause_and_cure(report):
    assert report.texts("#failure-list summary") == ["1 Damaged image: the data end early", "1 Image too small: 5 x 5 pixels"]
    assert "Cure: copy it again" in report.text("#failure-list")
    content = report.download("#failure-list button", "failed-DamagedImage.txt")
    assert content == f"{ROOT}broken.jpg\n".encode()


@pytest.mark.parametrize("width", [320, 390])
def test_a_narrow_screen_needs_no_sideways_scrolling(report, width):
    report.resize(width, 800)
    assert report.js("return document.documentElement.scrollWidth") == width
    report.js("document.querySelector('#gallery .name').click()")
    assert report.js("const detail = document.getElementById('detail'); return [detail.open, detail.scrollWidth]") == [
        True,
        width,
    ]


def test_a_sampled_report_shows_what_it_has(browser, tmp_path):
    browser.open(write(tmp_path / "report.html", series(300), max_bytes=600_000))
    assert "The galleries are sampled" in browser.text(".head")
    assert len(browser.all("#gallery img")) == 24
    assert browser.text("#matches") == "300 photos"
    browser.find("[name=from]").send_keys("45")
    browser.wait(lambda: browser.text("#matches") == "165 of 300 photos")
    browser.js("document.querySelector('#body .name').click()")
    notes = []
    for _ in range(10):
        notes += browser.texts("#detail .note")
        browser.press(Keys.ARROW_RIGHT)
    assert 0 < len(notes) < 10
    assert set(notes) == {"The picture of this photo did not fit into the report."}


@pytest.mark.parametrize(
    "records", [[], [failed("a.jpg")], [scored("a.jpg", float("nan"))]], ids=["none", "failed", "no score"]
)
def test_results_without_scores_open(browser, tmp_path, records):
    browser.open(write(tmp_path / "report.html", records))
    assert browser.text("h1") == "Photo quality report"


@pytest.mark.skipif(not Path(AXE).is_file(), reason="NOREF_AXE does not name axe.min.js")
@pytest.mark.parametrize(
    ("scheme", "width", "detail"),
    [("light", 1400, False), ("dark", 390, False), ("dark", 1400, True), ("light", 390, True)],
)
def test_axe_finds_no_serious_violation(report, scheme, width, detail):
    report.prefer(scheme)
    if width < 1000:
        report.resize(width, 800)
    if detail:
        report.js("document.querySelector('#gallery .name').click()")
    # Through the debugger's protocol, since the page's policy forbids scripts other than its own.
    report.cdp("Runtime.evaluate", expression=Path(AXE).read_text(encoding="utf-8"))
    question = "axe.run().then((found) => JSON.stringify(found.violations))"
    answer = report.cdp("Runtime.evaluate", expression=question, awaitPromise=True)
    report.cdp("Emulation.setEmulatedMedia", features=[])
    violations = json.loads(answer["result"]["value"])
    serious = {
        each["id"]: [node["html"] for node in each["nodes"]] for each in violations if each["impact"] in ("serious", "critical")
    }
    assert serious == {}
