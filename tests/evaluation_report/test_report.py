"""The page as a reader gets it: whole, self-contained, honest, with every text from outside escaped."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from t2w.errors import T2WError
from t2w.evaluation.report import DenoisingCurve, Example, ExampleGrid, LossCurves, ReportData, render_report
from t2w.evaluation.scoreboard import Row, Scoreboard
from t2w.files import write_text

SPLIT = "unseen_combination"
EVIL = '"><script>alert("$x$")</script>'
VOID = {"meta", "link", "img", "br"}
UNDEFINED = re.compile(r"\b(nan|inf|None|undefined)\b")


class Page(HTMLParser):
    """Tags, attributes and text of a document whose elements must all be closed in order."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(source)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {key: value or "" for key, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {key: value or "" for key, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).replace("\u00a0", " ").split())

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]


def row(method: str, accuracy: float, difference: float, half: float) -> Row:
    ends = accuracy - 0.0123, accuracy + 0.0117
    return Row(method, SPLIT, accuracy, *ends, 48, difference, difference - half, difference + half)


SUMMARY = {
    "folder": "x", "fingerprint": "0f", "recipe": EVIL, "seed": 0, "count": 800, "total": 800, "size": 10, "bytes": 5,
    "seconds": 3.0, "loss": 0.5, "steps": [300, 300], "validation": None,
    "test": {"count": 800, "mean": 0.9, "lowest": 0.5, "highest": 1.0, "histogram": [211, 589]},
    "by_classes": [{"classes": 8, "count": 800, "validation_accuracy": None, "test_accuracy": 0.9}],
    "layers": [
        {"name": "linear1.bias", "shape": [10], "mean": 0.1, "std": 0.0712, "base_norm": 1.0, "difference_norm": 0.5,
         "difference_mean": 0.0, "difference_std": 0.1, "difference_std_range": [0.1, 0.2]}
    ],
}  # fmt: skip


BARE: dict[str, Any] = {"losses": LossCurves(), "base_losses": (), "denoising": (), "adapters": None}  # no charts


def make_data(**changes: Any) -> ReportData:
    rng = np.random.default_rng(0)
    rows = [
        row("chance", 0.213, -0.728, 0.01),
        row("base", 0.8731, -0.0679, 0.012),
        row("ridge", 0.936, -0.005, 0.009),
        row("joint_wide", 0.9572, 0.0162, 0.007),
        row("generated", 0.941, 0, 0),
        row("oracle", 0.969, 0.028, 0.005),
    ]
    classes = ("three", "five", EVIL)
    examples = tuple(
        Example(rng.integers(0, 256, (8, 8), dtype=np.uint8), truth, said, 0.87)
        for truth, said in (("three", "three"), ("five", "three"), (EVIL, EVIL))
    )
    data = ReportData(
        title=f"Digits {EVIL}",
        command=f"t2w demo --out runs/{EVIL}",
        scoreboard=Scoreboard(
            tuple(rows),
            {SPLIT: 0.708},
            {"seed": 7, "seconds": {"train": 83.4, "eval": 4.2}, "versions": {"torch": "2.13.0"}, "gap": float("nan")},
        ),
        losses=LossCurves(tuple((i, 1 / (i + 1)) for i in range(300)), ((0, 1.0), (100, float("nan")), (200, 0.25))),
        base_losses=(2.0, 1.0, 0.5),
        denoising=(
            DenoisingCurve(
                "unseen_combination",
                (999, 499, 1),
                (0.31, 0.8, 0.941),
                (0.3, 0.79, 0.93),
                (0.32, 0.81, 0.95),
                {"base": 0.8731},
            ),
        ),
        grids=(ExampleGrid(5, "unseen_combination", classes, 0.944, 0.871, examples),),
        adapters=SUMMARY,
        config={"generator": {"n_layer": 4}, "name": EVIL, "rate": float("inf")},
        tasks={"counts": {"train": 800}, "seen_classes": ["three", "five"], "unseen_classes": [EVIL]},
    )
    return replace(data, **changes)


@pytest.fixture(scope="module")
def source() -> str:
    return render_report(make_data())


@pytest.fixture(scope="module")
def page(source: str) -> Page:
    return Page(source)


def test_nothing_is_asked_of_the_network(page: Page, source: str) -> None:
    for _, attributes in page.elements:
        for key in ("src", "href", "xlink:href", "srcset", "action"):
            if key in attributes:
                assert attributes[key].startswith(("#", "data:"))
    assert "http:" not in source
    assert "https:" not in source
    assert "@import" not in source
    assert page.all("script") == []
    assert all(address.startswith("#") for address in re.findall(r"url\(([^)]*)\)", source))


def test_ids_are_unique_and_every_reference_has_its_target(page: Page, source: str) -> None:
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    targets = [a[key][1:] for _, a in page.elements for key in ("href", "xlink:href") if a.get(key, "").startswith("#")]
    targets += [a["aria-labelledby"] for _, a in page.elements if "aria-labelledby" in a]
    targets += re.findall(r"url\(#([^)]*)\)", source)
    assert targets
    assert set(targets) <= set(ids)


def test_names_from_outside_are_text_and_never_markup(page: Page, source: str) -> None:
    assert "<script" not in source
    assert page.text.count(EVIL) >= 5  # title, command, grid, class list, configuration (there within a JSON string)
    assert f"{EVIL}, taken for {EVIL}" in [image["alt"] for image in page.all("img")]


def test_every_number_of_the_scoreboard_is_readable(page: Page) -> None:
    for row in make_data().scoreboard.rows:
        assert f"{100 * row.accuracy:.1f}" in page.text
        assert f"{100 * row.ci_low:.1f} to {100 * row.ci_high:.1f}" in page.text
        if row.method != "generated":
            assert f"{100 * row.paired_difference:+.1f}".replace("-", "\u2212") in page.text
            assert f"{100 * row.paired_ci_low:+.1f} to".replace("-", "\u2212") in page.text
    assert "48 tasks" in page.text
    assert "joint wide" in page.text


def test_the_download_holds_the_numbers_of_every_picture(page: Page) -> None:
    address = next(a["href"] for a in page.all("a") if "download" in a)
    numbers = json.loads(base64.b64decode(address.partition("base64,")[2]))
    assert numbers["scoreboard"]["rows"] == make_data().scoreboard.to_dict()["rows"]
    assert numbers["losses"]["validation"] == [[0, 1.0], [100, None], [200, 0.25]]
    assert numbers["denoising"][0]["accuracy"] == [0.31, 0.8, 0.941]
    assert numbers["adapters"]["test"]["histogram"] == [211, 589]


def test_pictures_have_words_beside_them(page: Page) -> None:
    plots = [a for a in page.all("svg") if a.get("class") == "plot"]
    assert len(plots) == 5  # two losses, denoising, histogram, accuracy by number of classes
    assert all(len(a["aria-label"]) > 30 for a in plots)
    assert len(page.all("figure")) == 5
    assert all(image["alt"] for image in page.all("img"))
    for said in ("999", "31.0 %", "589 of them", "0.0712", "1 min 23 s", "800", "t2w demo", "n_layer"):
        assert said in page.text or any(said in a["aria-label"].replace("\u00a0", " ") for a in plots)


def test_wrong_answers_differ_by_more_than_colour(page: Page) -> None:
    marks = [a["class"] for a in page.all("li") if a.get("class") in ("right", "wrong")]
    assert marks == ["right", "wrong", "right"]
    assert "✗ three 87 % is five" in page.text
    assert all(a["class"] == "crisp" for a in page.all("img"))


def test_nothing_undefined_is_printed(page: Page, source: str) -> None:
    shown = [page.text, *(value for _, attributes in page.elements for value in attributes.values())]
    assert not [text for text in shown if UNDEFINED.search(text)]
    assert "NaN" not in source


def test_headline_names_what_generated_does_not_beat(page: Page) -> None:
    assert (
        "Generated from words alone: 94.1 % on unseen combinations, recovering 71 % of what training on images gains "
        "over the shared base. It does not beat joint wide (+1.6 points, 95 % interval +0.9 to +2.3). "
        "It is not told apart from ridge (-0.5 points, 95 % interval -1.4 to +0.4). It beats chance and base."
    ) in page.text.replace("\u2212", "-")


def test_features_without_images_become_a_table_by_class() -> None:
    said = [("cat", "cat"), ("cat", "dog"), ("cat", "dog"), ("dog", "dog")]
    examples = tuple(Example(None, truth, guess, 0.5) for truth, guess in said)
    grid = ExampleGrid(1, "unseen_class", ("cat", "dog"), 0.5, 0.4, examples)
    page = Page(render_report(make_data(**BARE, grids=(grid,))))
    assert page.all("img") == []
    assert "cat 1 / 3 33.3 dog dog 1 / 1 100.0 \u2013" in page.text


def test_a_bare_run_still_makes_a_page() -> None:
    page = Page(render_report(ReportData("Bare", "t2w run", Scoreboard((), {}, {}))))
    assert "No generated classifier was scored in this run." in page.text
    assert "came without their images" in page.text
    assert page.all("svg") == []


def test_one_example_one_loss_one_step_and_colour_images() -> None:
    photo = Example(np.full((90, 120, 3), 200, np.uint8), "owl", "owl", 1.0)
    page = Page(
        render_report(
            make_data(
                losses=LossCurves(train=((1, 0.5),)),
                base_losses=(float("nan"),),
                denoising=(
                    DenoisingCurve("unseen_class", (999,), (0.4,)),
                    DenoisingCurve("train", (9, 1), (float("nan"),) * 2),
                ),
                grids=(ExampleGrid(0, "unseen_class", ("owl", "bat"), 1.0, float("nan"), (photo,)),),
                adapters=None,
            )
        )
    )
    assert len([a for a in page.all("svg") if a.get("class") == "plot"]) == 2
    assert "class" not in page.all("img")[0]
    assert not UNDEFINED.search(page.text)


def test_a_split_of_images_is_not_said_to_be_of_tasks() -> None:
    rows = [replace(row("generated", 0.7, 0, 0), split="unseen dataset birds", n_tasks=1500, unit="images")]
    page = Page(render_report(make_data(**BARE, scoreboard=Scoreboard(tuple(rows), {}, {}))))
    assert "Unseen dataset birds 1,500 images" in page.text
    assert "tasks" not in page.text[page.text.index("birds 1,500") : page.text.index("What the generated")]


def test_the_page_is_written_whole_or_not_at_all(tmp_path: Path, source: str) -> None:
    path = tmp_path / "new" / "report.html"
    write_text(path, source)
    assert path.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    broken = Example(np.zeros((8, 8), np.float32), "three", "three", 1.0)
    grid = ExampleGrid(0, "train", ("three",), 1.0, 1.0, (broken,))
    with pytest.raises(T2WError, match="uint8 of shape"):
        write_text(path, render_report(make_data(**BARE, grids=(grid,))))
    assert [file.name for file in path.parent.iterdir()] == ["report.html"]
    assert path.read_text(encoding="utf-8").endswith("</html>")


def test_the_same_data_makes_the_same_page(source: str) -> None:
    assert render_report(make_data()) == source


def test_importing_the_room_draws_nothing_in() -> None:
    check = "import sys, t2w.evaluation.report; sys.exit(any(m in sys.modules for m in ('matplotlib', 'jinja2')))"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0
