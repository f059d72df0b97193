"""Time and size of a report, and how smoothly it opens and scrolls in Chromium.

    python benchmarks/report.py --photos 10000

Needs the extra `report`. Results are made on the spot, with thumbnails of 256 x 171 pixels as large as those of photos, and are
stored before the clock starts. The times in the browser need Selenium, Chromium and its driver; without, they are left out.
"""

import io
import shutil
import statistics
import tempfile
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import click
import numpy as np
from PIL import Image

from noref import card, report
from noref.assessment import Assessment, Defect
from noref.store import Failure, Record, Store

VARIANTS = 200  # distinct thumbnails
SIZE = (256, 171)

OPENED = """
const [navigation] = performance.getEntriesByType("navigation");
return [navigation.domInteractive, navigation.loadEventEnd];
"""
SCROLLED = """
const done = arguments[0];
const scroller = document.getElementById("scroller");
scroller.scrollIntoView();
const frames = [];
let last = 0;
let step = 0;
function frame(now) {
  if (last) frames.push(now - last);
  last = now;
  if (step++ > 200) return done(frames);
  scroller.scrollTop = step < 100 ? step * 300 : (step - 100) / 100 * scroller.scrollHeight;
  requestAnimationFrame(frame);
}
requestAnimationFrame(frame);
"""


def thumbnail(rng: np.random.Generator) -> bytes:
    """A JPEG with about as much detail as a photo's: noise at several scales."""
    layers = [
        Image.fromarray(rng.integers(0, 256, (max(2, SIZE[1] // scale), max(2, SIZE[0] // scale), 3), dtype=np.uint8))
        for scale in (64, 16, 4)
    ]
    picture = layers[0].resize(SIZE, Image.Resampling.BICUBIC)
    for layer in layers[1:]:
        picture = Image.blend(picture, layer.resize(SIZE, Image.Resampling.BICUBIC), 0.3)
    grain = Image.effect_noise(SIZE, rng.uniform(5, 60)).convert("RGB")
    stream = io.BytesIO()
    Image.blend(picture, grain, 0.25).save(stream, "JPEG", quality=85)
    return stream.getvalue()


def fill(store: Store, photos: int) -> float:
    """Store results of so many photos, one in a hundred of them failed; returns the mean size of a thumbnail."""
    rng = np.random.default_rng(0)
    facts = card.load(card.find(card.DEFAULT))
    settings = store.use(facts, "common", exact=False)
    thumbnails = [thumbnail(rng) for _ in range(VARIANTS)]
    scores = 100 * rng.beta(4, 2.5, photos)
    for number, score in enumerate(scores):
        path = f"/photos/{number // 500:03d} series/IMG_{number:06d}.jpg"
        failed = number % 100 == 99
        probabilities = rng.beta(0.3, 2, len(facts.defects))
        assessment = Assessment(
            name=path,
            score=float(score),
            map=np.clip(score + rng.normal(0, 20, (21, 32)), 0, 100).astype(np.float32),
            model=facts.label,
            policy=facts.policy,
            size=(6000, 4000),
            defects={name: Defect(each, 5 * each) for name, each in zip(facts.defects, probabilities.tolist(), strict=True)},
            interval=(max(0.0, score - 12), min(100.0, score + 12)),
        )
        store.write(
            Record(
                path=path,
                assessment=None if failed else assessment,
                failure=Failure("DamagedImage", "the data end early", "copy the file again") if failed else None,
                bytes=8_000_000,
                modified=1_700_000_000_000_000_000,
                digest=f"{number:064x}",
                thumbnail=None if failed else thumbnails[number % VARIANTS],
                scored=datetime.fromtimestamp(1_700_000_000 + number // 10, timezone.utc),
                model_sha256=settings.model_sha256,
                view=settings.view,
                exact=settings.exact,
            )
        )
    return statistics.mean(map(len, thumbnails))


def busy(chrome: Any) -> float:
    """Seconds that the page's main thread has worked."""
    metrics = chrome.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
    return next(each["value"] for each in metrics if each["name"] == "TaskDuration")


def in_browser(page: Path) -> str:
    """Time to open the page, and times between frames while its table scrolls."""
    try:
        from selenium import webdriver
    except ModuleNotFoundError:
        return "browser not measured: no Selenium"
    browser, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not browser or not driver:
        return "browser not measured: no Chromium with its driver"
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for switch in ("--headless=new", "--no-sandbox", "--window-size=1400,1000"):
        options.add_argument(switch)
    with webdriver.Chrome(options, webdriver.ChromeService(driver)) as chrome:
        chrome.get(page.as_uri())
        interactive, loaded = chrome.execute_script(OPENED)
        chrome.execute_cdp_cmd("Performance.enable", {})
        before = busy(chrome)
        frames = sorted(chrome.execute_async_script(SCROLLED))
        work = 1000 * (busy(chrome) - before) / len(frames)
    middle, most = frames[len(frames) // 2], frames[-1]
    late = frames[int(0.95 * len(frames))]
    return (
        f"opened: parsed after {interactive / 1000:.2f} s, complete after {loaded / 1000:.2f} s\n"
        f"scrolling the table: {work:.1f} ms of work a frame\n"
        f"frames after {middle:.0f} ms, 95 % within {late:.0f} ms, at most {most:.0f} ms"
    )


@click.command(context_settings={"show_default": True})
@click.option("--photos", default=10_000, help="Photos in the report.")
@click.option("--max-size", default=60, help="As of noref report, in MB.")
@click.option("--out", type=click.Path(path_type=Path), help="Keep the report here.")
def main(photos: int, max_size: int, out: Path | None) -> None:
    """Make results, write their report, and open it."""
    with tempfile.TemporaryDirectory() as folder:
        page = out or Path(folder) / "report.html"
        with Store(Path(folder) / "results.db", "w") as store:
            mean = fill(store, photos)
            start, used = time.perf_counter(), time.process_time()
            report.write(store.records, store.cards(), page, threshold=50, max_bytes=max_size * 1_000_000)
            spent, used = time.perf_counter() - start, time.process_time() - used
        click.echo(f"{photos:,} photos with thumbnails of {mean / 1000:.1f} kB: {page.stat().st_size / 1e6:.1f} MB")
        click.echo(f"written in {spent:.1f} s, {used:.1f} s of processor time")
        click.echo(in_browser(page.absolute()))


if __name__ == "__main__":
    main()
