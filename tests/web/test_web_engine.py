"""Pictures to columns, and corrections to a better classifier, without a browser and without weights."""

from __future__ import annotations

import csv
import io
import time
import zipfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from colour_world import MeanColour, colour_classifier
from page_pictures import png
from torch import Tensor

from t2w import Classifier
from t2w.errors import T2WError
from t2w.web import Engine, views
from t2w.web.actions import meant, move
from t2w.web.downloads import prepare
from t2w.web.session import Session

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


@pytest.fixture
def sorted_session(session: Session, engine: Engine, send: Callable) -> Session:
    """A red, a green and a blue picture, and one that is none."""
    for name, colour in (("in/=r.png", RED), ("g.png", GREEN), ("b.png", BLUE)):
        send(session, name, png(colour))
    send(session, "broken.png", b"no image")
    engine.write(session)
    list(engine.encode(session))
    return session


def where(session: Session) -> dict[str, str]:
    return {one.picture.name: one.folder for one in session.placed()}


def test_pictures_are_sorted_and_the_broken_one_is_named(sorted_session: Session) -> None:
    assert where(sorted_session) == {"in/=r.png": "red", "g.png": "green", "b.png": "deep_blue"}
    assert sorted_session.refused == [("broken.png", sorted_session.refused[0][1])]
    assert sorted_session.refused[0][1].startswith("broken.png is not an image")
    assert str(sorted_session.folder) not in views.board(sorted_session)


def test_each_picture_is_encoded_once(sorted_session: Session, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("t2w.web.engine.features_of_pictures", None)
    with sorted_session.changing():
        move(sorted_session, {"pictures": [1], "to": "1"})
        engine.write(sorted_session)
    assert where(sorted_session)["in/=r.png"] == "green"


def test_a_correction_is_kept_and_learnt_from(sorted_session: Session, engine: Engine) -> None:
    before = sorted_session.classifier
    with sorted_session.changing():
        move(sorted_session, {"pictures": [1, 99, "x"], "to": "1"})
        engine.write(sorted_session)
    assert before is not None
    assert sorted_session.classifier is not None
    assert not (before.weights == sorted_session.classifier.weights).all()
    assert sorted_session.classifier.provenance["fitted_on"] == {"green": 1}
    assert sorted_session.told.startswith("=r.png is where you put it.")
    with sorted_session.changing():
        move(sorted_session, {"pictures": [1], "to": "none"})
        engine.write(sorted_session)
    assert where(sorted_session)["in/=r.png"] == "none of these"
    assert (sorted_session.classifier.weights == before.weights).all()  # nothing is learnt from it
    with sorted_session.changing():
        move(sorted_session, {"pictures": [1], "to": "back"})
    assert where(sorted_session)["in/=r.png"] == "red"


@pytest.mark.parametrize(
    "change",
    [None, {}, {"pictures": [1], "to": "3"}, {"pictures": [1], "to": "-1"}, {"pictures": "1", "to": "0"},
     {"pictures": [1], "to": "²"}, {"pictures": [1], "to": "unsure"}],
)  # fmt: skip
def test_moves_that_no_page_asks_for(change: object, sorted_session: Session) -> None:
    with pytest.raises(T2WError, match="the page asks for something that is not there"):
        move(sorted_session, change)
    assert sorted_session.labels == {}


def test_meanings_are_of_classes_and_can_be_taken_back(sorted_session: Session) -> None:
    meant(sorted_session, {"name": "red", "kind": "text", "value": " the colour of blood "})
    meant(sorted_session, {"name": "green", "kind": "sense", "value": "n00000001"})
    assert (sorted_session.texts, sorted_session.senses) == ({"red": "the colour of blood"}, {"green": "n00000001"})
    meant(sorted_session, {"name": "red", "kind": "text", "value": ""})
    assert sorted_session.texts == {}
    for change in ({"name": "pink", "kind": "text", "value": "x"}, {"name": "red", "kind": "lock", "value": "x"}):
        with pytest.raises(T2WError, match="not there"):
            meant(sorted_session, change)


def test_a_change_that_fails_is_taken_back(sorted_session: Session) -> None:
    def change() -> None:
        with sorted_session.changing():
            sorted_session.typed = "one"
            move(sorted_session, {"pictures": [1], "to": "2"})
            raise T2WError("no")

    with pytest.raises(T2WError):
        change()
    assert (sorted_session.typed, sorted_session.labels) == ("", {})


def test_downloads(sorted_session: Session) -> None:
    move(sorted_session, {"pictures": [1], "to": "1"})
    assert Classifier.load(prepare(sorted_session, "classifier.t2w")).classes == ("red", "green", "deep_blue")
    with zipfile.ZipFile(prepare(sorted_session, "sorted.zip")) as archive:
        assert sorted(archive.namelist()) == ["deep_blue/b.png", "green/=r.png", "green/g.png", "results.csv"]
        assert archive.read("green/=r.png") == png(RED)
    rows = list(csv.DictReader(io.StringIO(prepare(sorted_session, "results.csv").read_text(encoding="utf-8-sig"))))
    assert {row["source"]: row["folder"] for row in rows} == {
        "in/=r.png": "green", "g.png": "green", "b.png": "deep_blue",
    }  # fmt: skip


def test_the_onnx_file_is_what_an_export_writes(sorted_session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    def export(classifier: Classifier, path: Path, *, to: str) -> None:
        assert to == "onnx"
        path.write_bytes(b"onnx")

    monkeypatch.setattr(Classifier, "export", export)
    assert prepare(sorted_session, "classifier.onnx").read_bytes() == b"onnx"


def test_downloads_of_nothing_are_refused(session: Session, engine: Engine) -> None:
    with pytest.raises(T2WError, match="there is no classifier yet"):
        prepare(session, "classifier.t2w")
    engine.write(session)
    with pytest.raises(T2WError, match="no pictures are sorted yet"):
        prepare(session, "sorted.zip")


class TextsAlone:
    """Stands for a TextToWeights whose generator knows no concepts."""

    vision, lexicon = MeanColour(), None

    def generate(self, names: Sequence[str], *, texts: Mapping[str, str]) -> Classifier:
        return colour_classifier(names)


def test_generators_of_texts_alone_learn_from_corrections_by_training(session: Session, send: Callable) -> None:
    engine = Engine(TextsAlone())  # type: ignore[arg-type]
    send(session, "x.png", png(RED))
    session.typed = "zero, one"
    engine.write(session)
    list(engine.encode(session))
    assert where(session) == {"x.png": "zero"}
    assert session.prediction is not None
    assert session.prediction.none is None
    assert "<select" not in views.meanings(session)
    move(session, {"pictures": [1], "to": "1"})
    engine.write(session)
    assert session.classifier is not None
    assert session.classifier.provenance["fitted_on"] == {"one": 1}
    assert where(session) == {"x.png": "one"}


def test_two_requests_do_not_encode_a_picture_twice(session: Session, engine: Engine, send: Callable) -> None:
    for i in range(5):
        send(session, f"{i}.png", png((i, 0, 0)))
    seen: list[int] = []

    class Slow(MeanColour):
        def embed(self, batch: Tensor) -> Tensor:
            seen.append(len(batch))
            time.sleep(0.05)
            return batch

    engine.__dict__["encoder"] = Slow()
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: list(engine.encode(session)), range(2)))
    assert (seen, len(session.features)) == ([5], 5)
