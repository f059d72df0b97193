"""The page in a real browser: what people do with it, by mouse and by keyboard."""

import csv
import io
import json
import re

import numpy as np
import pytest
from PIL import Image, ImageFilter

import noref
from noref import overlay
from noref.images import EXTENSIONS
from noref.web import PAGE
from noref.writers import Csv
from pictures import encode, make_scene

TEXT = b"not an image"
CHOSEN = "return document.activeElement.id || document.activeElement.className"


def picture(seed: int, blur: float = 0, width: int = 256) -> bytes:
    photo = Image.fromarray(make_scene(width * 3 // 4, width, seed))
    return encode(photo.filter(ImageFilter.GaussianBlur(blur)) if blur else photo, "PNG")


PHOTOS = {"sharp.png": picture(1), "blurred.png": picture(2, blur=6), "half.jpg": picture(3, blur=1.5)}


def names(browser) -> list[str]:
    return browser.texts(".card .name")


def choose(browser, name: str, value: str) -> None:
    """Set a control of the tools, as by hand."""
    script = "const it = document.getElementById(arguments[0]); it.value = arguments[1]; it.dispatchEvent(new Event('input'))"
    browser.js(script, name, value)


def test_dropped_photos_get_score_interval_defects_and_words(browser, service, scorer: noref.Scorer):
    browser.open(service.address)
    browser.drop(PHOTOS)
    assert names(browser) == list(PHOTOS)
    found = {name: scorer.score(content) for name, content in PHOTOS.items()}
    assert browser.texts(".card .number") == [f"{each.score:.0f}" for each in found.values()]
    assert browser.texts(".card .words") == [each.summary() for each in found.values()]
    likely = [f"{name} {defect.level:.1f} of 5" for each in found.values() for name, defect in each.likely_defects.items()]
    assert browser.texts(".chip") == likely
    assert likely  # the blurred photo has some
    bar = browser.find(".scale").get_attribute("aria-label")
    first = found["sharp.png"]
    assert bar == f"Score {first.score:.0f} of 100, interval {first.interval[0]:.0f} to {first.interval[1]:.0f}"
    assert browser.find("#progress-text").text == "3 scored"


def test_the_interval_is_explained(browser, service):
    browser.open(service.address)
    browser.wait(lambda: browser.find("#interval").is_displayed())
    said = "With a probability of 90 %, the interval beside it covers that mean, on photos like those of training."
    assert browser.find("#interval").text == said


def test_chosen_photos_are_scored_too_and_can_be_chosen_again(browser, service, save):
    path = save("one.png", make_scene())
    browser.open(service.address)
    for count in (1, 2):
        browser.find("#choose").send_keys(str(path))
        browser.wait(lambda count=count: len(browser.texts(".card.scored")) == count)
    assert service.requests == 2


def test_a_dropped_folder_is_searched_for_photos(browser, service, save):
    save("shoot/b/1.png", make_scene())
    save("shoot/a/2.png", make_scene())
    save("shoot/a/2.CR2", TEXT)
    save("shoot/a/2.xmp", TEXT)
    save("shoot/a/._2.png", TEXT)
    folder = save("shoot/notes.txt", TEXT).parent
    browser.open(service.address)
    data = {"items": [], "files": [str(folder)], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        browser.cdp("Input.dispatchDragEvent", type=kind, x=200, y=200, data=data)
    browser.finish()
    assert names(browser) == ["shoot/a/2.CR2", "shoot/a/2.png", "shoot/b/1.png"]
    assert browser.text("#place") == f"Photos go to {service.address.partition('//')[2].strip('/')} only"


def test_a_dropped_folder_without_photos_is_told_so(browser, service, save):
    folder = save("texts/notes.txt", TEXT).parent
    browser.open(service.address)
    data = {"items": [], "files": [str(folder)], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        browser.cdp("Input.dispatchDragEvent", type=kind, x=200, y=200, data=data)
    browser.wait(lambda: browser.text("#trouble") == "There are no photos in what was dropped.")
    browser.drop({"sharp.png": PHOTOS["sharp.png"]})
    assert not browser.find("#trouble").is_displayed()


def test_every_extension_can_be_chosen():
    accept = re.search(r'accept="([^"]+)"', (PAGE / "index.html").read_text(encoding="utf-8"))
    assert accept is not None
    assert set(re.split(r",\s*", accept[1])) == {"image/*", *EXTENSIONS}


def test_the_slider_moves_the_border_between_photo_and_map(browser, service, scorer: noref.Scorer):
    browser.open(service.address)
    browser.drop({"blurred.png": PHOTOS["blurred.png"]})
    quality = scorer.score(PHOTOS["blurred.png"]).map
    grid = "const it = document.querySelector('canvas'); return [it.height, it.width]"
    assert tuple(browser.js(grid)) == quality.shape
    alpha = """const it = document.querySelector("canvas");
        return [...it.getContext("2d").getImageData(0, 0, it.width, it.height).data].filter((_, index) => index % 4 === 3)"""
    opacity = np.reshape(browser.js(alpha), quality.shape)
    assert ((opacity > 0) == (np.rint(np.clip(quality, 0, 100) * 2.55) < 204)).mean() > 0.99  # tinted below a quality of 80
    assert opacity.flat[quality.argmin()] == opacity.max()
    slider = browser.find(".wipe")
    clip = "return getComputedStyle(document.querySelector('canvas')).clipPath"
    before = browser.js(clip)
    slider.send_keys("\ue010")  # End
    assert slider.get_attribute("aria-valuetext") == "100 % of the width"
    assert browser.js(clip) != before
    box = browser.js("return document.querySelector('.wipe').getBoundingClientRect().toJSON()")
    for kind in ("mousePressed", "mouseReleased"):
        at = {"x": box["x"] + box["width"] / 4, "y": box["y"] + box["height"] / 2}
        browser.cdp("Input.dispatchMouseEvent", type=kind, button="left", clickCount=1, **at)
    assert abs(int(slider.get_property("value")) - 25) <= 4


def test_photos_sort_and_filter(browser, service, scorer: noref.Scorer):
    browser.open(service.address)
    photos = {**PHOTOS, "broken.png": TEXT}
    browser.drop(photos)
    scores = {name: scorer.score(content).score for name, content in PHOTOS.items()}
    ordered = sorted(scores, key=scores.__getitem__)
    choose(browser, "sort", "worst")
    assert names(browser) == [*ordered, "broken.png"]
    choose(browser, "sort", "best")
    assert names(browser) == [*ordered[::-1], "broken.png"]
    choose(browser, "sort", "name")
    assert names(browser) == sorted(photos)
    choose(browser, "show", "failed")
    assert names(browser) == ["broken.png"]
    defect = next(iter(scorer.score(PHOTOS["blurred.png"]).likely_defects))
    choose(browser, "show", f"defect:{defect}")
    with_it = [name for name in sorted(PHOTOS) if defect in scorer.score(PHOTOS[name]).likely_defects]
    assert names(browser) == with_it
    choose(browser, "show", "all")
    between = (scores[ordered[0]] + scores[ordered[1]]) / 2
    choose(browser, "high", str(between))
    assert names(browser) == ordered[:1]
    assert browser.find("#shown").text == "1 of 4 shown"
    choose(browser, "high", "")
    choose(browser, "low", str(between))
    assert names(browser) == sorted(ordered[1:])
    choose(browser, "low", "100")
    assert browser.find("#nothing").is_displayed()


def test_the_export_equals_the_csv_of_the_command_line(browser, service, scorer: noref.Scorer):
    browser.open(service.address)
    photos = {**PHOTOS, "=1+1.png": picture(4), 'a "quoted", name.png': picture(5), "broken.png": TEXT}
    browser.drop(photos)
    out = io.StringIO()
    writer = Csv(out, scorer.card)
    for name, content in photos.items():
        stream = io.BytesIO(content)
        stream.name = name
        writer.write(next(scorer.score_many([stream])))
    assert rows(browser.exported()) == rows(out.getvalue())
    choose(browser, "show", "failed")
    assert [row["image"] for row in rows(browser.exported())] == ["broken.png"]


def rows(text: str) -> list[dict[str, object]]:
    """The rows of a CSV, with numbers and JSON as values: the two languages write them differently."""
    values = {"score", "low", "high", "width", "height", "defects"}
    return [
        {name: json.loads(cell) if cell and name in values else cell for name, cell in row.items()}
        for row in csv.DictReader(io.StringIO(text, newline=""))
    ]


def test_a_failure_shows_cause_and_cure(browser, service):
    browser.open(service.address)
    browser.drop({"notes.jpg": TEXT, "small.png": picture(1, width=12)})
    assert browser.texts(".failed .name") == ["notes.jpg", "small.png"]
    first = browser.find(".failed").text
    assert "not an image, or of an unknown format" in first
    assert "noref reads JPEG" in first
    assert browser.find("#progress-text").text == "0 scored, 2 failed"


def test_a_name_is_text_whatever_it_holds(browser, service):
    name = "<img src=x onerror=document.title='run'>.png"
    browser.open(service.address)
    browser.drop({name: PHOTOS["sharp.png"], f"{name}.txt": TEXT})
    assert names(browser) == [name, f"{name}.txt"]
    browser.find(".card button").click()
    assert browser.find("dialog h2").text == name
    assert browser.driver.title != "run"


def test_marks_that_reorder_a_name_are_shown_as_their_codes(browser, service):
    browser.open(service.address)
    browser.drop({"a\u202egnp.png": PHOTOS["sharp.png"], "b\u202egpj.exe": TEXT})
    assert names(browser) == ["a\\u202egnp.png", "b\\u202egpj.exe"]
    browser.find(".card button").click()
    assert browser.find("dialog h2").text == "a\\u202egnp.png"


def test_a_busy_service_is_tried_again(browser, service):
    browser.open(service.address)
    service.busy = 2
    browser.drop({"sharp.png": PHOTOS["sharp.png"]})
    assert browser.texts(".scored .name") == ["sharp.png"]
    refused = browser.messages("SEVERE")
    assert len(refused) == 2
    assert all("429" in message for message in refused)


def test_a_service_that_has_ended_is_named_as_the_cause(browser, service):
    browser.open(service.address)
    service.stop()
    browser.drop({"sharp.png": PHOTOS["sharp.png"]})
    assert "check that `noref serve` runs" in browser.find(".failed").text
    assert "ERR_CONNECTION_REFUSED" in "".join(browser.messages("SEVERE"))


def test_failed_photos_can_be_tried_again(browser, service, monkeypatch):
    browser.open(service.address)
    with monkeypatch.context() as broken:
        broken.setattr(noref.Scorer, "assess", lambda *_: 1 / 0)
        browser.drop({"sharp.png": PHOTOS["sharp.png"]})
    assert "internal error" in browser.find(".failed").text
    browser.find("#retry").click()
    browser.finish()
    assert browser.texts(".scored .name") == ["sharp.png"]
    assert not browser.find("#retry").is_displayed()
    assert browser.js("return document.activeElement.id") == "progress-text"


def test_a_run_can_be_cancelled_and_cleared(browser, service):
    service.held = True
    browser.open(service.address)
    browser.drop({f"{number}.png": PHOTOS["sharp.png"] for number in range(8)}, wait=False)
    browser.wait(lambda: service.requests == 3)  # no more are uploaded at a time
    assert browser.find("#progress-text").text == "0 of 8 done: 0 scored"
    browser.find("#cancel").click()
    browser.wait(lambda: browser.texts(".card") == [])
    service.held = False
    browser.drop({"after.png": PHOTOS["sharp.png"]})
    assert names(browser) == ["after.png"]
    assert service.requests == 4
    browser.find("#clear").click()
    assert browser.texts(".card") == []
    assert browser.find("#headline").is_displayed()


def test_everything_works_by_keyboard(browser, service):
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.keys import Keys

    browser.open(service.address)
    browser.press(Keys.TAB)
    assert browser.js(CHOSEN) == "choose"
    outline = "return getComputedStyle(document.querySelector('.choose .button')).outlineStyle"
    assert browser.js(outline) == "solid"
    browser.drop({"sharp.png": PHOTOS["sharp.png"]})
    reached = []
    for _ in range(8):
        browser.press(Keys.TAB)
        reached.append(browser.js(CHOSEN))
    assert reached == ["sort", "show", "low", "high", "export", "clear", "wipe", "quiet"]
    ActionChains(browser.driver).key_down(Keys.SHIFT).send_keys(Keys.TAB).key_up(Keys.SHIFT).perform()
    browser.press(Keys.ARROW_RIGHT)
    assert browser.find(".wipe").get_property("value") == "51"
    assert browser.js("return getComputedStyle(document.querySelector('.handle'), '::after').outlineStyle") == "solid"
    browser.press(Keys.TAB, Keys.ENTER)
    assert browser.find("dialog").is_displayed()
    browser.press(Keys.ESCAPE)
    assert not browser.find("dialog").is_displayed()
    assert browser.js(CHOSEN) == "quiet"


@pytest.mark.parametrize("width", [360, 700, 1280])
def test_no_width_needs_scrolling_sideways(browser, service, width: int):
    browser.open(service.address, width)
    over = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert browser.js(over) == 0
    browser.drop({"a-name-without-any-place-to-break-it-" * 3 + ".png": PHOTOS["sharp.png"], "broken.png": TEXT})
    assert browser.js(over) == 0
    browser.find(".card button").click()
    assert browser.js("const it = document.querySelector('dialog'); return it.scrollWidth - it.clientWidth") == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_violation(browser, service, axe: str, scheme: str):
    def violations() -> list[str]:
        browser.js(axe)
        found = browser.driver.execute_async_script("axe.run().then((found) => arguments[0](found.violations))")
        return [f"{each['id']}: {each['nodes']}" for each in found if each["impact"] in ("serious", "critical")]

    browser.open(service.address, scheme=scheme)
    assert violations() == []
    browser.drop({**PHOTOS, "broken.png": TEXT})
    assert violations() == []
    browser.find(".card button").click()
    assert violations() == []


def test_progress_is_announced(browser, service):
    browser.open(service.address)
    browser.drop({"sharp.png": PHOTOS["sharp.png"]})
    status = browser.find("#announcement")
    assert status.get_attribute("aria-live") == "polite"
    assert status.get_property("textContent") == "1 scored"


def test_the_tint_of_the_map_is_that_of_the_overlay():
    script = (PAGE / "overlay.js").read_text(encoding="utf-8")
    found = {name: json.loads(value) for name, value in re.findall(r"^const ([A-Z]+) = (.+?);", script, re.MULTILINE)}
    assert found == {"TINT": list(overlay.TINT), "OPACITY": overlay.OPACITY, "CLEAR": overlay.CLEAR}
    assert "--tint: rgb({} {} {});".format(*overlay.TINT) in (PAGE / "style.css").read_text(encoding="utf-8")


def test_the_page_names_no_other_server_and_parses_no_markup_from_strings():
    files = [path for path in PAGE.iterdir() if path.suffix in (".html", ".css", ".js")]
    assert len(files) > 10
    for path in files:
        text = path.read_text(encoding="utf-8")
        assert "://" not in text, path
        sinks = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|DOMParser| style=|\son\w+="
        assert not re.search(sinks, text), path
