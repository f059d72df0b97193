"""Chromium for tests of pages, where it is installed."""

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from typing_extensions import Self

CHROMIUM, DRIVER = shutil.which("chromium") or shutil.which("google-chrome"), shutil.which("chromedriver")
PATIENCE = 240  # seconds, for a busy machine
LOADED = "return document.readyState === 'complete' && location.href !== 'about:blank'"
DRAWN = "requestAnimationFrame(() => requestAnimationFrame(arguments[0]))"  # the first frame may have begun before


class Browser:
    """Chromium with one page open.

    Attributes:
        driver: Selenium's driver.
        downloads: The folder of downloaded files.
    """

    def __init__(self, driver: Any, downloads: Path) -> None:
        self.driver, self.downloads = driver, downloads
        driver.set_script_timeout(PATIENCE)
        self.cdp("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(downloads))

    @classmethod
    @contextmanager
    def started(cls, downloads: Path) -> Iterator[Self]:
        """A browser without a window, ended with the context."""
        from selenium import webdriver

        options = webdriver.ChromeOptions()
        options.binary_location = str(CHROMIUM)
        for switch in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1400,1000"):
            options.add_argument(switch)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        with webdriver.Chrome(options, webdriver.ChromeService(str(DRIVER))) as driver:
            yield cls(driver, downloads)

    def cdp(self, command: str, **parameters: object) -> Any:
        """What a command of the Chrome DevTools Protocol answers."""
        return self.driver.execute_cdp_cmd(command, parameters)

    def load(self, address: str) -> None:
        """Load a page and run its scripts.

        On a busy machine the driver may take the page before for the new one, and return too early. So a blank page is
        loaded between them, and the state of the new one is asked for.
        """
        self.driver.get("about:blank")
        self.driver.get(address)
        self.wait(lambda: self.js(LOADED))

    def resize(self, width: int, height: int) -> None:
        """Set the size of the view in pixels of CSS, and wait until it is drawn; narrow ones are those of phones."""
        self.cdp("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 500)
        self.driver.execute_async_script(DRAWN)

    def prefer(self, scheme: str) -> None:
        """Set the preferred scheme of colours: "light" or "dark"."""
        self.cdp("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def js(self, script: str, *values: object) -> Any:
        """What a script returns."""
        return self.driver.execute_script(script, *values)

    def find(self, selector: str) -> Any:
        """The first element of a CSS selector."""
        return self.driver.find_element("css selector", selector)

    def all(self, selector: str) -> list[Any]:
        """All elements of a CSS selector."""
        return self.driver.find_elements("css selector", selector)

    def texts(self, selector: str) -> list[str]:
        """The texts of all elements of a CSS selector."""
        return self.js("return [...document.querySelectorAll(arguments[0])].map((each) => each.textContent)", selector)

    def text(self, selector: str) -> str:
        """The text of the first element of a CSS selector."""
        return self.texts(selector)[0]

    def click(self, selector: str) -> None:
        """Click on the first element of a CSS selector."""
        element = self.find(selector)
        self.js("arguments[0].scrollIntoView({block: 'center'})", element)
        element.click()

    def press(self, *keys: str) -> None:
        """Press keys one after the other."""
        from selenium.webdriver import ActionChains

        ActionChains(self.driver).send_keys(*keys).perform()

    def wait(self, condition: Callable[[], object]) -> Any:
        """Until a condition is true; its value."""
        end = time.monotonic() + PATIENCE
        while not (found := condition()):
            assert time.monotonic() < end, self.find("body").text
            time.sleep(0.02)
        return found

    def download(self, selector: str, name: str) -> bytes:
        """The content of the file, not empty, that a click on an element downloads."""
        file = self.downloads / name
        file.unlink(missing_ok=True)
        self.click(selector)
        return self.wait(lambda: file.exists() and not list(self.downloads.glob("*.crdownload")) and file.read_bytes())

    def messages(self, level: str = "") -> list[str]:
        """What the console shows since the last call; only messages of a level, such as "SEVERE", if one is given."""
        return [entry["message"] for entry in self.driver.get_log("browser") if level in ("", entry["level"])]
