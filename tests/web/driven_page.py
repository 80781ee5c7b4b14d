"""`t2w web` in a process of its own and a real Chromium before it, as a person drives it."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.webdriver import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import Select, WebDriverWait

CHROMIUM, DRIVER = shutil.which("chromium") or shutil.which("google-chrome"), shutil.which("chromedriver")
_OPTIONS = (
    "--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--force-device-scale-factor=1",
    "--disable-background-networking", "--disable-component-update", "--window-size=1280,900",
)  # fmt: skip
_WHERE = """return Object.fromEntries([...document.querySelectorAll('.t2w-columns .t2w-card button')].map(
    card => [card.title, card.closest('section').querySelector('h3 bdi').textContent]))"""
_ARRIVED = r"arrived|expected|no pictures"
_SECONDS = 60  # that a busy machine may take for a step


class Server:
    """A running `t2w web`."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process, self.said = process, ""

    @cached_property
    def address(self) -> str:
        """Where it is, once it is there."""
        assert self.process.stdout is not None
        while not (found := re.search(r"http://\S+", self.said)):
            line = self.process.stdout.readline()
            assert line, f"it ended: {self.said}"
            self.said += line
        return found[0]

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """End it as Ctrl-C does; its exit code."""
        self.process.send_signal(number)
        self.said += self.process.communicate(timeout=_SECONDS)[0]
        return self.process.returncode


@contextmanager
def served(*arguments: str, temporary: Path) -> Iterator[Server]:
    """`t2w web` with a folder for temporary files."""
    process = subprocess.Popen(
        [sys.executable, "-m", "t2w", "web", *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env=os.environ | {"TMPDIR": str(temporary)},
    )  # fmt: skip
    try:
        yield Server(process)
    finally:
        if process.poll() is None:
            process.terminate()
            process.communicate(timeout=_SECONDS)


class Page:
    """The page as a person sees it."""

    def __init__(self, driver: webdriver.Chrome, address: str) -> None:
        self.driver, self.address = driver, address

    def open(self) -> None:
        self.driver.get(self.address)
        self.loaded()

    def loaded(self) -> None:
        self.until(lambda: self.all(".t2w-drop") and self.run("return sessionStorage.getItem('t2w')"))

    def run(self, script: str, *given: Any) -> Any:
        return self.driver.execute_script(script, *given)

    def all(self, selector: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector: str) -> WebElement:
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def until(self, true: Callable[[], Any]) -> Any:
        return WebDriverWait(self.driver, _SECONDS, 0.05).until(lambda _: true())

    def write(self, names: str) -> None:
        """Type class names and have the classifier written."""
        box = self.one("textarea")
        box.clear()
        box.send_keys(names)
        self.one("#t2w-write").click()

    def add(self, files: Sequence[Path]) -> None:
        """Choose pictures, and wait until they have arrived."""
        self.run("document.querySelector('.t2w-said').textContent = ''")
        self.one(".t2w-choose input").send_keys("\n".join(map(str, files)))
        self.until(lambda: re.search(_ARRIVED, self.said()))

    def drop(self, paths: Sequence[Path]) -> None:
        """Drop files and folders from the desktop, and wait until they have arrived."""
        zone = self.one(".t2w-drop")
        self.run(
            "arguments[0].scrollIntoView({block: 'center'}); document.querySelector('.t2w-said').textContent = ''", zone
        )
        left, top = self.run("const r = arguments[0].getBoundingClientRect(); return [r.left + 20, r.top + 20]", zone)
        data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
        for kind in ("dragEnter", "dragOver", "drop"):
            event = {"type": kind, "x": left, "y": top, "data": data}
            self.driver.execute_cdp_cmd("Input.dispatchDragEvent", event)
        self.until(lambda: re.search(_ARRIVED, self.said()))

    def said(self) -> str:
        """What the drop zone says."""
        return self.one(".t2w-said").text

    def where(self) -> dict[str, str]:
        """The column of each picture."""
        found: dict[str, str] = self.run(_WHERE)
        return found

    def card(self, name: str) -> WebElement:
        cards = "[...document.querySelectorAll('.t2w-columns .t2w-card button')]"
        found: WebElement = self.run(f"return {cards}.find(card => card.title === arguments[0])", name)
        return found

    def drag(self, name: str, column: int) -> None:
        """Drag a picture to the column of a class."""
        self.run("arguments[0].scrollIntoView({block: 'center'})", self.card(name))
        place = self.one(f".t2w-column[data-to='{column}']")
        ActionChains(self.driver).drag_and_drop(self.card(name), place).perform()

    def choose(self, selector: str, text: str) -> None:
        """Choose an option of a list by what it says."""
        Select(self.one(selector)).select_by_visible_text(text)

    def requested(self) -> set[str]:
        """Addresses that were asked for since this was last called."""
        messages = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        return {one["params"]["request"]["url"] for one in messages if one["method"] == "Network.requestWillBeSent"}

    def complaints(self) -> list[str]:
        """Errors on the browser's console since this was last called."""
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]

    def as_phone(self) -> None:
        """Make the window a phone's, until `as_desktop`."""
        size = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)

    def as_desktop(self) -> None:
        self.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


@contextmanager
def chromium(downloads: Path) -> Iterator[webdriver.Chrome]:
    """A Chromium without a window, which puts downloads into a folder."""
    options = webdriver.ChromeOptions()
    for option in _OPTIONS:
        options.add_argument(option)
    options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    options.binary_location = str(CHROMIUM)
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(str(DRIVER)))
    try:
        yield driver
    finally:
        driver.quit()
