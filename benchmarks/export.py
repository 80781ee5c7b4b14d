"""What `t2w export` writes: size, images per second, accuracy, agreement with Classifier.predict.

    python benchmarks/export.py --photos ../shared/data/caltech-50.zip --json docs/export.json

A classifier is generated from the names of the class folders. A part of the photographs calibrates the encoder in 8
bits, another is classified by every form, one after the other, in one run. Rates are those of photographs that are
decoded already, of any size, resizing included; the page decodes, too. The page is left out where there is no Chromium
or no onnxruntime-web. The last line is the rate of the ONNX file over that of Classifier.predict.
"""

from __future__ import annotations

import os
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from common import machine, parser_of, run_on_device

from t2w import Classifier, T2WError, TextToWeights
from t2w.evaluation.class_folders import match_class
from t2w.export import numpy_script
from t2w.export.browser import write_page
from t2w.export.numpy_file import export_numpy
from t2w.export.onnx_file import OnnxModel, onnx_model, write_onnx
from t2w.files import write_json
from t2w.images import image_files, read_image

PREDICT, ONNX, ONNX8, NUMPY = "Classifier.predict", "onnx", "onnx, 8 bits", "numpy, from features"
PAGE, PAGE8 = "browser", "browser, 8 bits"
SECONDS = 120  # for the page


def table(figures: dict[str, Any]) -> str:
    """The figures as docs/export.md has them."""
    rows = ["| form | MB | images/s | right, % | label as Classifier.predict, % |", "|---|---|---|---|---|"]
    for name, one in figures["forms"].items():
        size = "" if one["megabytes"] is None else f"{one['megabytes']:.1f}"
        rows.append(
            f"| {name} | {size} | {one['images_per_second']:,.3g} | {100 * one['accuracy']:.1f} "
            f"| {100 * one['agreement']:.1f} |"
        )
    return "\n".join(rows)


def unpacked(photos: Path, place: Path) -> Path:
    """A folder of class folders, out of its zip."""
    if photos.is_dir():
        return photos
    import zipfile

    with zipfile.ZipFile(photos) as archive:
        archive.extractall(place)
    inside = [path for path in place.iterdir() if path.is_dir()]
    return inside[0] if len(inside) == 1 else place


def split(root: Path, per_class: int, place: Path) -> tuple[Path, list[Path]]:
    """(folder to calibrate with, files to classify): in every class the first few, and as many after them twice."""
    files = []
    for folder in sorted(path for path in root.iterdir() if path.is_dir()):
        found, _ = image_files([folder])
        (place / folder.name).mkdir(parents=True)
        for file in found[: 2 * per_class]:
            (place / folder.name / file.name).symlink_to(file.resolve())
        files += found[2 * per_class : 4 * per_class]
    return place, files


def by_onnx(path: Path) -> Callable[[Sequence[np.ndarray]], list[int]]:
    """Class positions, one picture at a time: their sizes differ."""
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return lambda images: [int(session.run(["probabilities"], {"images": i[None]})[0].argmax()) for i in images]


def by_page(folder: Path, files: Sequence[Path], classes: Sequence[str]) -> tuple[list[int], float]:
    """Class positions and seconds, in Chromium, from the page opened as a file. Raises T2WError where there is none."""
    import shutil

    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        raise T2WError("there is no chromium with its chromedriver here")
    from selenium import webdriver
    from selenium.webdriver.support.ui import WebDriverWait

    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    try:
        browser.get(f"file://{folder}/index.html")
        status, wait = browser.find_element("id", "status"), WebDriverWait(browser, SECONDS, poll_frequency=0.1)
        wait.until(lambda _: status.text == "Ready.")
        browser.find_element("id", "files").send_keys("\n".join(map(str, files[:1])))
        wait.until(lambda _: status.text.endswith("done"))  # the first picture warms up
        start = time.perf_counter()
        browser.find_element("id", "files").send_keys("\n".join(map(str, files)))
        wait.until(lambda _: status.text == f"{len(files) + 1} pictures, done")
        seconds = time.perf_counter() - start
        script = "return [...document.querySelectorAll('#results > li')].map(x => x.querySelector('dt').textContent)"
        return [classes.index(name) for name in browser.execute_script(script)[1:]], seconds
    finally:
        browser.quit()


def measure(classifier: Classifier, files: Sequence[Path], calibrate: Path, place: Path) -> dict[str, Any]:
    """The figures of every form."""
    labels = np.array([match_class(file.parent.name, classifier.classes) for file in files])
    images = [read_image(file) for file in files]
    forms: dict[str, Any] = {}

    def add(name: str, found: Sequence[int], seconds: float, size: int | None) -> None:
        own = forms.get(PREDICT, {}).get("found", found)
        forms[name] = {
            "found": list(found),
            "megabytes": None if size is None else size / 1e6,
            "images_per_second": len(files) / seconds,
            "accuracy": float((np.array(found) == labels).mean()),
            "agreement": float((np.array(found) == np.array(own)).mean()),
        }
        print(f"{name}: {len(files) / seconds:.1f} images/s", flush=True)

    def timed(name: str, work: Callable[[Sequence[np.ndarray]], list[int]], size: int | None) -> None:
        work(images[:8])
        start = time.perf_counter()
        found = work(images)
        add(name, found, time.perf_counter() - start, size)

    position = {name: k for k, name in enumerate(classifier.classes)}
    timed(PREDICT, lambda some: [position[name] for name in classifier.predict(list(some))], None)
    made: dict[str, OnnxModel] = {ONNX: onnx_model(classifier), ONNX8: onnx_model(classifier, calibrate=calibrate)}
    for name, one in made.items():
        path = write_onnx(place / f"{name.replace(', ', '-')}.onnx", one)[0]
        timed(name, by_onnx(path), path.stat().st_size)
    arrays, _ = export_numpy(classifier, place / "mine.npz")
    features = classifier.encoder.encode(images).numpy()
    with np.load(arrays) as model:
        start = time.perf_counter()
        answer = numpy_script.classify(features, dict(model))
        add(NUMPY, answer["probabilities"].argmax(1).tolist(), time.perf_counter() - start, arrays.stat().st_size)
    for name, of in ((PAGE, ONNX), (PAGE8, ONNX8)):
        try:
            write_page(folder := place / name.replace(", ", "-"), made[of])
            found, seconds = by_page(folder, files, classifier.classes)
        except T2WError as error:
            print(f"{name} left out: {error}")
            continue
        add(name, found, seconds, sum(path.stat().st_size for path in folder.iterdir()))
    for one in forms.values():
        del one["found"]
    report = made[ONNX8].int8
    return {"forms": forms, "photographs": len(files), "int8": None if report is None else report.to_dict()}


def main() -> int:
    parser = parser_of(__doc__)
    parser.add_argument("--photos", type=Path, required=True, help="a folder of class folders, or a zip of one")
    parser.add_argument("--per-class", type=int, default=2, help="half the photographs of a class that are classified")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the figures go too")
    args = parser.parse_args()

    def work(device: torch.device) -> None:
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of classes that are guessed from their definitions
            root = unpacked(args.photos, Path(folder) / "photos")
            calibrate, files = split(root, args.per_class, Path(folder) / "calibrate")
            names = sorted(path.name for path in root.iterdir() if path.is_dir())
            classifier = TextToWeights.from_pretrained("embedded", device="cpu").generate(names).to("cpu")
            figures = {"machine": machine(device), "load": os.getloadavg()[0]}
            figures |= measure(classifier, files, calibrate, Path(folder))
        if args.json:
            write_json(args.json, figures)
        print(f"{figures['machine']}; {figures['photographs']} photographs, {len(names)} classes\n")
        print(table(figures))
        forms = figures["forms"]
        print(f"\nratio: {forms[ONNX]['images_per_second'] / forms[PREDICT]['images_per_second']:.2f}")

    return run_on_device(args.device, work)


if __name__ == "__main__":
    raise SystemExit(main())
