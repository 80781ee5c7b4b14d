"""Names on the hub in the place of files, and `t2w push`, as a user types them."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from colour_world import COLOURS, colour_classifier, paint
from hub_server import HubServer

from t2w import Classifier

DOCS = (Path(__file__).parents[2] / "docs" / "sharing.md").read_text(encoding="utf-8")


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a folder of pictures for each class."""
    here = tmp_path / "here"
    for name, colour in COLOURS.items():
        paint(here / "photos" / name / "1.png", colour)
    monkeypatch.chdir(here)
    return here


@pytest.mark.usefixtures("colours")
def test_a_classifier_is_used_by_its_name(hub: HubServer, classifier: str, photos: Path, t2w: Callable) -> None:
    pushed = t2w("push", classifier, "me/colours", "--private", "--licence", "cc0-1.0", "--message", "three colours")
    assert (pushed.code, pushed.out) == (0, f"{hub.endpoint}/me/colours\n")
    repository = hub.repositories["models/me/colours"]
    assert (repository.private, repository.messages[-1]) == (True, "three colours")
    assert b"license: cc0-1.0" in repository.files()["README.md"]

    done = t2w("classify", "me/colours", "photos/red", "--json", "--none", "off")
    assert (done.code, json.loads(done.out)[0]["label"]) == (0, "red")
    done = t2w("eval", "me/colours@main", "photos")
    assert (done.code, done.out.splitlines()[-1]) == (0, "accuracy: 1.000")
    assert (photos / "colours-eval" / "results.json").is_file()
    assert t2w("fit", "me/colours", "photos", "--steps", "1").code == 0
    assert Classifier.load("colours-fit.t2w").provenance["fitted_on"] == dict.fromkeys(COLOURS, 1)


def test_a_name_that_is_not_there_is_a_sentence(hub: HubServer, classifier: str, t2w: Callable, tmp_path: Path) -> None:
    for arguments in (
        ("classify", "me/none", classifier),
        ("eval", "me/none", str(tmp_path)),
        ("inspect", "me/none"),
        ("inspect", classifier, "--against", "me/none"),
        ("fit", "me/none", str(tmp_path)),
        ("fuse", classifier, "me/none", "-o", str(tmp_path / "out.t2w")),
    ):
        done = t2w(*arguments)
        assert (done.code, done.out) == (2, "")
        assert done.err.splitlines()[-1].startswith(
            "t2w: the classifier me/none is not on the Hugging Face hub, or not"
        )
    done = t2w("generate", "--classes", "cat, dog", "--from", "me/none", "-o", str(tmp_path / "out.t2w"))
    assert "t2w: the generator me/none is not on the Hugging Face hub" in done.err
    assert not (tmp_path / "out.t2w").exists()


@pytest.mark.usefixtures("colours")
def test_what_the_hub_does_not_say_is_a_note(hub: HubServer, classifier: str, photos: Path, t2w: Callable) -> None:
    assert t2w("push", classifier, "me/colours").code == 0
    assert t2w("classify", "me/colours", "photos/red").code == 0
    hub.fails("GET", status=500)
    done = t2w("classify", "me/colours", "photos/red")
    assert done.code == 0
    assert done.err.splitlines()[0] == (
        "note: the classifier me/colours may be out of date: the hub was not reached (it answers with error 500)"
    )


def test_a_run_is_pushed_and_used(hub: HubServer, finished_run: Path, t2w: Callable, tmp_path: Path) -> None:
    assert t2w("push", str(finished_run), "me/writer").code == 0
    card = hub.repositories["models/me/writer"].files()["README.md"].decode()
    assert "unseen combination" in card
    out = str(tmp_path / "three.t2w")
    assert t2w("generate", "--classes", "three, five, eight", "--from", "me/writer", "-o", out).code == 0
    assert Classifier.load(out).classes == ("three", "five", "eight")
    assert t2w("classes", "--from", "me/writer").out.split()[:2] == ["zero", "one"]


def test_a_folder_goes_as_it_is(hub: HubServer, tmp_path: Path, t2w: Callable) -> None:
    folder = tmp_path / "mine"
    colour_classifier().save_pretrained(folder)
    (folder / "README.md").write_text("my own words about USER/NAME")
    (folder / "secret.txt").write_text("not for the hub")
    assert t2w("push", str(folder), "me/mine").code == 0
    files = hub.repositories["models/me/mine"].files()
    assert sorted(files) == [".gitattributes", "README.md", "config.json", "model.safetensors"]
    assert files["README.md"] == b"my own words about me/mine"
    done = t2w("push", str(folder), "me/mine", "--licence", "mit")
    assert "--licence mit for" in done.err
    (folder / "README.md").unlink()  # a card is written
    assert t2w("push", str(folder), "me/mine", "--licence", "mit").code == 0
    assert b"license: mit" in hub.repositories["models/me/mine"].files()["README.md"]


def test_what_cannot_be_pushed(hub: HubServer, tmp_path: Path, classifier: str, t2w: Callable) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    damaged = tmp_path / "damaged.t2w"
    content = bytearray(Path(classifier).read_bytes())
    content[-1] ^= 255
    damaged.write_bytes(content)
    for source, said in (
        ("absent.t2w", "t2w: there is no absent.t2w; expected a .t2w file, a run's folder"),
        (str(tmp_path / "notes.txt"), "notes.txt"),
        (str(damaged), "damaged"),
        (str(tmp_path), "there is no generator or classifier in"),
    ):
        done = t2w("push", source, "me/x")
        assert (done.code, done.out) == (2, "")
        assert said in done.err
    assert hub.repositories == {}


@pytest.mark.usefixtures("colours")
def test_the_documentation_runs(
    hub: HubServer, classifier: str, photos: Path, finished_run: Path, t2w: Callable
) -> None:
    Path(classifier).rename("lunch.t2w")
    Path("photos", "red", "1.png").rename("photo.jpg")
    Path("runs").mkdir()
    Path("runs", "demo").symlink_to(finished_run)
    commands = [shlex.split(line, comments=True) for line in DOCS.splitlines() if re.match(r"t2w \w+", line)]
    done = []
    for _, verb, *arguments in commands:
        if verb in ("push", "classify", "generate") and not {"digits-adapters", "lunch"} & set(arguments):
            outcome = t2w(verb, *arguments)
            assert outcome.code == 0, outcome.err
            done.append(verb)
    assert done == ["push", "push", "classify", "classify", "generate"]
    session: dict[str, object] = {}
    exec(compile(DOCS.split("```python\n")[1].split("```")[0], "sharing.md", "exec"), session)
    assert session["classifier"].classes == tuple(COLOURS)  # type: ignore[attr-defined]


def test_adapters_are_exported_and_pushed_by_one_command(
    hub: HubServer, finished_run: Path, small_config: list[str], t2w: Callable, tmp_path: Path
) -> None:
    pytest.importorskip("datasets")
    where = [*small_config, f"out={finished_run}"]
    done = t2w("adapters", *where, "--export", str(tmp_path / "ds"), "--licence", "cc-by-4.0", "--push", "me/ds")
    assert (done.code, done.out.splitlines()[-1]) == (0, f"{hub.endpoint}/datasets/me/ds")
    repository = hub.repositories["datasets/me/ds"]
    card = repository.files()["README.md"].decode()
    assert repository.private
    assert "license: cc-by-4.0" in card
    assert "Handwritten Digits, https://doi.org/10.24432/C50P49, via scikit-learn. Licence: CC BY 4.0." in card
    assert t2w("push", str(tmp_path / "ds"), "me/open").code == 0
    assert not hub.repositories["datasets/me/open"].private
    assert hub.repositories["datasets/me/open"].files() == repository.files()
