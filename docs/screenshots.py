"""The pictures of docs/web.md: `t2w web` in a real Chromium, with photographs that come inside scikit-image.

python docs/screenshots.py        # docs/web/*.png, in half a minute
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np
from PIL import Image

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "tests" / "web"))

from driven_page import Page, chromium, served  # noqa: E402

NAMES = "tabby, cup of coffee, rocket, motorcycle, photographer"
PHOTOGRAPHS = {
    "cat": "chelsea.png", "breakfast": "coffee.png", "launch": "rocket.jpg", "left": "motorcycle_left.png",
    "right": "motorcycle_right.png", "friend": "camera.png", "crew": "astronaut.png", "sky": "hubble_deep_field.jpg",
    "eye": "retina.jpg",
}  # fmt: skip
WRONG = "crew-2.jpg"  # shown chosen, and moved to the photographers
_COLOURS = 64  # of a palette: a quarter of the bytes


def write_photographs(folder: Path, *, each: int = 4) -> list[Path]:
    """Crops of photographs, as a holiday folder has several of everything."""
    import skimage

    rng = np.random.default_rng(0)
    files = []
    for name, source in PHOTOGRAPHS.items():
        with Image.open(Path(skimage.__file__).parent / "data" / source) as opened:
            photograph = opened.convert("RGB")
        for i in range(each):
            share = rng.uniform(0.65, 1.0)
            left, top = rng.uniform(0, 1 - share, 2) * photograph.size
            box = (int(left), int(top), int(left + share * photograph.width), int(top + share * photograph.height))
            files.append(folder / f"{name}-{i + 1}.jpg")
            photograph.crop(box).resize((480, 360)).save(files[-1], quality=85)
    return files


def take(page: Page, name: str) -> None:
    """Save what is in sight."""
    path = HERE / "web" / f"{name}.png"
    page.until(
        lambda: page.run("return [...document.images].every(image => image.complete || image.loading === 'lazy')")
    )
    page.driver.save_screenshot(str(path))
    with Image.open(path) as shot:
        small = shot.convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE)
    small.save(path, optimize=True)
    print(f"{path.relative_to(HERE.parent)}: {path.stat().st_size / 1e3:.0f} kB")


def whole(page: Page, width: int) -> None:
    """Make the window as high as the page."""
    page.driver.set_window_size(width, 900)
    height = page.run("return document.querySelector('.gradio-container').scrollHeight")
    page.driver.set_window_size(width, height + 140)
    page.run("scrollTo(0, 0)")


def main() -> None:
    (HERE / "web").mkdir(exist_ok=True)
    begun = perf_counter()
    with (
        TemporaryDirectory() as folder, served(temporary=Path(folder)) as server, chromium(Path(folder)) as driver,
    ):  # fmt: skip
        photographs = write_photographs(Path(folder))
        page = Page(driver, server.address)
        page.open()
        page.write(NAMES)
        page.until(lambda: page.all(".t2w-column"))
        page.add(photographs)
        page.until(lambda: len(page.where()) == len(photographs))
        print(f"{len(photographs)} photographs are sorted {perf_counter() - begun:.0f} s after the command")
        page.card(WRONG).click()
        page.run("arguments[0].scrollIntoView({block: 'center'})", page.card(WRONG))
        take(page, "choose")
        begun = perf_counter()
        page.choose(".t2w-bar select", "photographer")
        page.until(lambda: page.where()[WRONG] == "photographer")
        print(f"a correction answers in {perf_counter() - begun:.2f} s")
        whole(page, 1100)
        take(page, "page")
        page.as_phone()
        page.card(WRONG).click()
        page.run("arguments[0].scrollIntoView({block: 'center'})", page.card(WRONG))
        take(page, "phone")


if __name__ == "__main__":
    main()
