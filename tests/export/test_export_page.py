"""The page, in a real browser, and what is around it."""

from __future__ import annotations

import functools
import json
import shutil
import threading
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from export_world import NAMES, photographs
from PIL import Image

from t2w import Classifier, T2WError
from t2w.export import onnxruntime_web
from t2w.export.browser import write_page
from t2w.export.onnxruntime_web import FILES, find_runtime, unpack

CHROMIUM, DRIVER = (shutil.which(name) for name in ("chromium", "chromedriver"))
SECONDS = 60


@pytest.fixture(scope="module")
def page(classifier: Classifier, onnx_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The exported page of the awkward classifier."""
    import onnx

    try:
        runtime = find_runtime()
    except T2WError as error:
        pytest.skip(str(error))
    model = onnx.load(onnx_path)
    about = {one.key: json.loads(one.value) for one in model.metadata_props}
    folder = tmp_path_factory.mktemp("browser") / "page"
    write_page(folder, SimpleNamespace(model=model, about=about), runtime=runtime)  # type: ignore[arg-type]
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    webdriver = pytest.importorskip("selenium.webdriver")
    if CHROMIUM is None or DRIVER is None:
        pytest.skip("there is no chromium with its chromedriver here")
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=390,844"):
        options.add_argument(argument)
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture
def served(page: Path) -> Iterator[str]:
    """The page from a static server."""
    handler = functools.partial(SimpleHTTPRequestHandler, directory=str(page))
    handler.log_message = lambda *_: None  # type: ignore[attr-defined]
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/index.html"
        server.shutdown()


def wait(browser: Any, ended: Callable[[str], bool]) -> str:
    """The page's status, once it is as asked."""
    from selenium.webdriver.support.ui import WebDriverWait

    status = browser.find_element("id", "status")
    WebDriverWait(browser, SECONDS).until(lambda _: ended(status.text))
    return str(status.text)


def classify(browser: Any, address: str, files: list[Path]) -> list[Any]:
    browser.get(address)
    assert wait(browser, lambda text: not text.startswith("Loading")) == "Ready."
    browser.find_element("id", "files").send_keys("\n".join(map(str, files)))
    wait(browser, lambda text: text.endswith("done"))
    return browser.find_elements("css selector", "#results > li")


def test_from_a_file(browser: Any, page: Path, classifier: Classifier, tmp_path: Path) -> None:
    files = photographs(tmp_path, 6)
    turned = Image.open(files[0])
    exif = turned.getexif()
    exif[0x0112] = 6
    turned.save(tmp_path / "turned.jpg", quality=100, exif=exif)
    (tmp_path / "<b>no picture.png").write_text("none")
    files += [tmp_path / "turned.jpg", tmp_path / "<b>no picture.png"]
    own = classifier.classify(files[:-1])
    assert own.none is not None
    items = classify(browser, f"file://{page}/index.html", files)
    assert [item.find_element("class name", "file").text for item in items] == [file.name for file in files]
    answers = [item.find_element("class name", "answer").text for item in items]
    assert answers.pop() == "cannot be read as a picture"
    for answer, label, none, like in zip(answers, own.labels, own.none, own.looks_like or (), strict=True):
        assert answer == (f"none of these (nearest known: {like})" if none else " ".join(label.split()))
    shown = [[float(dd.text.split()[0]) for dd in item.find_elements("tag name", "dd")] for item in items[:-1]]
    expected = 100 * np.sort(own.probabilities.numpy(), axis=1)[:, ::-1]
    assert np.abs(np.array(shown) - expected).max() < 3
    assert browser.title == "Classifier"  # the script in a class name did not run
    assert NAMES[2] in browser.find_element("id", "classes").text
    assert browser.execute_script("return document.documentElement.scrollWidth <= innerWidth")


def test_from_a_server_and_by_keyboard(browser: Any, served: str, tmp_path: Path) -> None:
    from selenium.webdriver import ActionChains, Keys

    assert len(classify(browser, served, photographs(tmp_path, 2))) == 2
    browser.execute_script("document.activeElement.blur()")
    ActionChains(browser).send_keys(Keys.TAB).perform()
    assert browser.switch_to.active_element.get_attribute("id") == "files"


@pytest.fixture
def runtime(tmp_path: Path) -> Path:
    """A folder with files of the runtime's names."""
    folder = tmp_path / "package" / "dist"
    folder.mkdir(parents=True)
    for name in FILES:
        (folder / name).write_text("not used")
    return tmp_path


MODEL: Any = SimpleNamespace(
    model=SimpleNamespace(SerializeToString=lambda: b"graph"),
    about={"classes": list(NAMES), "resizes": True, "encoder": {"identity": "tiny@1"}},
)


def test_names_in_scripts_are_plain_text(runtime: Path, tmp_path: Path) -> None:
    write_page(tmp_path / "page", MODEL, runtime=runtime)
    script = (tmp_path / "page" / "model.js").read_text(encoding="ascii")
    value = script.removeprefix("globalThis.T2W_MODEL = ").removesuffix(";\n")
    assert json.loads(value)["about"]["classes"] == list(NAMES)
    write_page(tmp_path / "page", MODEL, runtime=runtime)  # a page may be replaced


def test_other_folders_are_left_alone(runtime: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    with pytest.raises(T2WError, match="holds other files"):
        write_page(tmp_path / "mine", MODEL, runtime=runtime)
    with pytest.raises(T2WError, match="is a file"):
        write_page(tmp_path / "mine" / "letter.txt", MODEL, runtime=runtime)
    assert (tmp_path / "mine" / "letter.txt").read_text() == "dear"


def test_graphs_that_do_not_resize_are_no_page(runtime: Path, tmp_path: Path) -> None:
    fixed: Any = SimpleNamespace(model=MODEL.model, about={**MODEL.about, "resizes": False})
    with pytest.raises(T2WError, match="takes pictures of any size, and tiny@1 only its own"):
        write_page(tmp_path / "page", fixed, runtime=runtime)
    assert not (tmp_path / "page").exists()


def test_a_missing_runtime_names_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: object, **__: object) -> None:
        raise OSError("no route to host")

    with pytest.raises(T2WError, match="npm pack onnxruntime-web"):
        find_runtime(tmp_path)
    monkeypatch.setattr(onnxruntime_web, "CACHE", tmp_path / "cache")
    monkeypatch.setattr("urllib.request.urlopen", unreachable)
    with pytest.raises(T2WError, match=r"no route to host.*npm pack onnxruntime-web"):
        find_runtime()
    assert list(tmp_path.iterdir()) == []


def test_another_archive_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnxruntime_web, "CACHE", tmp_path / "cache")
    monkeypatch.setattr(onnxruntime_web, "_download", lambda: b"another file")
    with pytest.raises(T2WError, match="has SHA-512"):
        find_runtime()
    with pytest.raises(T2WError, match="has SHA-512"):
        unpack(b"another file", tmp_path)
    assert list(tmp_path.iterdir()) == []
