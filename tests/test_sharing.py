"""`from_pretrained`, `save_pretrained`, `push_to_hub`: folders, files and a hub on loopback."""

from __future__ import annotations

import json
from pathlib import Path

import huggingface_hub
import numpy as np
import pytest
import torch
from hub_server import HubServer
from huggingface_hub import HfApi, ModelCard
from made_up_classifiers import classifier_of

from t2w import Classifier, T2WError, T2WWarning, TextToWeights
from t2w.files import load_tensors

FILES = ["README.md", "config.json", "model.safetensors"]
pytestmark = pytest.mark.filterwarnings("ignore::t2w.T2WWarning")


def same(one: Classifier, other: Classifier) -> bool:
    images = np.arange(128, dtype=np.uint8).reshape(2, 8, 8) % 17
    return one.classes == other.classes and np.array_equal(one.predict_proba(images), other.predict_proba(images))


def test_a_classifier_goes_through_a_folder(digits_classifier: Classifier, tmp_path: Path) -> None:
    digits_classifier.save_pretrained(tmp_path / "mine", licence="mit")
    assert sorted(path.name for path in (tmp_path / "mine").iterdir()) == FILES
    assert same(Classifier.from_pretrained(tmp_path / "mine"), digits_classifier)
    digits_classifier.save(tmp_path / "mine.t2w")
    assert same(Classifier.from_pretrained(str(tmp_path / "mine.t2w")), digits_classifier)
    config = json.loads((tmp_path / "mine" / "config.json").read_text())
    assert (config["format"], config["classes"]) == ("t2w-classifier", ["three", "five", "eight"])
    card = ModelCard.load(tmp_path / "mine" / "README.md")
    assert (card.data.library_name, card.data.pipeline_tag) == ("t2w", "image-classification")
    assert card.data.license == "mit"
    for word in ("three", "a photo of a eight", "seed: 3", "from_pretrained", "images of digits", "The weights: mit."):
        assert word in card.text


def test_a_card_says_of_a_classifier_what_happened_to_it() -> None:
    from t2w.cards import classifier_card

    made = classifier_of(["<b>cat</b> | dog", "bus"])
    card = classifier_card(made)
    assert "| &lt;b&gt;cat&lt;/b&gt; \\| dog |" in card
    assert "license: unknown" in card
    assert "Nobody has said under which licence" in card
    assert "says so where an image is none of its classes" in card
    fitted = classifier_of(["cat", "bus"], provenance={"fitted_on": {"cat": 3, "bus": 4}}, none_rule=None)
    card = classifier_card(fitted)
    assert "and then trained on 7 labelled pictures" in card
    assert "takes every image for one of its classes" in card
    hub_encoder = {"kind": "huggingface", "name": "microsoft/resnet-18", "identity": "resnet@12"}
    assert "base_model: microsoft/resnet-18" in classifier_card(classifier_of(["a", "b"], vision=hub_encoder))


def test_a_generator_goes_through_a_folder(
    digits_writer: TextToWeights, digits_classifier: Classifier, tmp_path: Path
) -> None:
    digits_writer.save_pretrained(tmp_path / "writer", licence="mit")
    assert sorted(path.name for path in (tmp_path / "writer").iterdir()) == FILES
    again = TextToWeights.from_pretrained(tmp_path / "writer")
    assert torch.equal(again.generate("three, five, eight", seed=3).weights, digits_classifier.weights)
    card = ModelCard.load(tmp_path / "writer" / "README.md").text
    assert "unseen combination" in card  # the scoreboard of the run it was read from
    assert "oracle" in card
    assert "The weights: mit. The images: CC BY 4.0." in card  # of the digits
    assert "Not made: `t2w audit RUN`" in card
    assert "No scoreboard lies beside its weights" in _card_of(again, tmp_path / "third")


def test_a_generators_card_has_the_audit_of_its_run(digits_writer: TextToWeights, tmp_path: Path) -> None:
    run = tmp_path / "run"
    file = run / "train" / "generator.safetensors"
    digits_writer.generator.save(file)
    told = {"accuracy": {"low": 0.5, "mean": 0.6, "high": 0.7}}
    split = {"text": {"matched": told, "random": told}, "memorisation": {"copies": 0.25}}
    (run / "audit.json").write_text(json.dumps({"splits": {"unseen_class": split}}))
    writer = TextToWeights(digits_writer.generator, digits_writer.text_encoder, file=file)
    card = _card_of(writer, tmp_path / "card")
    assert "| unseen class | the right classes | 60.0 % (50.0 to 70.0) |" in card
    assert "| unseen class | nearer to training weights than 5 % of real ones | 25 % |" in card
    for name in ("audit.json", "scoreboard.json"):
        (run / name).write_text("[]")
        with pytest.raises(T2WError, match=f"the run's {name} is not an? "):
            _card_of(writer, tmp_path / "card")
        (run / name).unlink()


def test_the_generator_of_the_package_has_its_own_card(tmp_path: Path) -> None:
    card = _card_of(TextToWeights.from_pretrained(device="cpu"), tmp_path / "embedded")
    assert "ImageNet's, whose terms allow non-commercial" in card
    assert "](dictionary.md)" not in card  # which is not pushed


def _card_of(digits_writer: TextToWeights, folder: Path) -> str:
    digits_writer.save_pretrained(folder)
    return (folder / "README.md").read_text()


def test_what_is_stored_is_safetensors_and_json(digits_classifier: Classifier, tmp_path: Path) -> None:
    digits_classifier.save_pretrained(tmp_path)
    tensors, metadata = load_tensors(tmp_path / "model.safetensors", checked=True)
    assert set(tensors) == {"weights", "text"}
    assert json.loads((tmp_path / "config.json").read_text()) == json.loads(json.dumps(metadata))


def test_there_and_back_over_the_hub(
    hub: HubServer, digits_writer: TextToWeights, digits_classifier: Classifier
) -> None:
    assert digits_classifier.push_to_hub("me/digits", private=True) == f"{hub.endpoint}/me/digits"
    assert same(Classifier.from_pretrained("me/digits"), digits_classifier)
    digits_writer.push_to_hub("me/writer", message="first")
    again = TextToWeights.from_pretrained("me/writer")
    assert torch.equal(again.generate("three, five, eight", seed=3).weights, digits_classifier.weights)
    classifier, writer = hub.repositories["models/me/digits"], hub.repositories["models/me/writer"]
    assert (classifier.private, writer.private) == (True, False)
    assert classifier.messages[1:] + writer.messages[1:] == ["Classifier of t2w", "first"]
    assert sorted(set(writer.files()) - {".gitattributes"}) == FILES
    assert 'from_pretrained("me/writer")' in writer.files()["README.md"].decode()
    fetched = [request.rsplit("/", 1)[1] for request in hub.asked("^GET /.*/resolve/")]
    assert fetched == ["model.safetensors"] * 2  # nothing else of a repository is wanted


def test_branches_tags_and_commits(hub: HubServer) -> None:
    names = {"v1": ["cat", "dog"], "main": ["cat", "dog", "bus"]}
    for number, classes in enumerate(names.values()):
        classifier_of(classes).push_to_hub("me/x")
        if not number:
            HfApi().create_tag("me/x", tag="v1")
            commit = hub.repositories["models/me/x"].refs["main"]
    HfApi().create_branch("me/x", branch="refs/odd@name", revision="v1")
    for revision in ("v1", commit, "refs/odd@name"):
        assert Classifier.from_pretrained(f"me/x@{revision}").classes == ("cat", "dog")
        assert Classifier.from_pretrained("me/x", revision=revision).classes == ("cat", "dog")
    assert Classifier.from_pretrained("me/x").classes == ("cat", "dog", "bus")
    with pytest.raises(T2WError, match=r"revision v9 of the classifier me/x is not on the Hugging Face hub"):
        Classifier.from_pretrained("me/x@v9")
    with pytest.raises(T2WError, match=r"revision main of me/x@v1; expected one revision"):
        Classifier.from_pretrained("me/x@v1", revision="main")


def test_what_is_new_on_the_hub_is_taken_and_what_is_here_without_it(
    hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    classifier_of(["cat", "dog"]).push_to_hub("me/x")
    assert Classifier.from_pretrained("me/x").classes == ("cat", "dog")
    classifier_of(["cat", "bus"]).push_to_hub("me/x")
    assert Classifier.from_pretrained("me/x").classes == ("cat", "bus")
    hub.fails("GET", status=503)
    with pytest.warns(
        T2WWarning, match=r"classifier me/x may be out of date: .* not reached \(it answers with error 503"
    ):
        assert Classifier.from_pretrained("me/x").classes == ("cat", "bus")
    asked = len(hub.requests)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)  # said before: no request, no warning
    assert Classifier.from_pretrained("me/x").classes == ("cat", "bus")
    assert len(hub.requests) == asked


def test_a_path_wins_over_the_hub(hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    classifier_of(["on", "hub"]).push_to_hub("me/x")
    asked = len(hub.requests)
    for name in ("me/x", "me/x@v1"):
        classifier_of(["cat", "dog"]).save_pretrained(name)
        assert Classifier.from_pretrained(name).classes == ("cat", "dog")
    with pytest.raises(T2WError, match=r"revision v1 of me/x; expected a revision of a classifier on the hub"):
        Classifier.from_pretrained("me/x", revision="v1")
    with pytest.raises(T2WError, match=r"cannot read photos/lunch.t2w: No such file"):
        Classifier.from_pretrained("photos/lunch.t2w")
    assert len(hub.requests) == asked


def test_what_is_not_there(digits_classifier: Classifier, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(T2WError, match=r"there is no generator in .*empty; expected .*; finish the run: t2w run out="):
        TextToWeights.from_pretrained(tmp_path / "empty")
    with pytest.raises(T2WError, match=r"there is no classifier in .*empty; expected a folder with model.safetensors"):
        Classifier.from_pretrained(tmp_path / "empty")
    with pytest.raises(T2WError, match=r"cannot read absent.t2w: No such file"):
        Classifier.from_pretrained("absent.t2w")
    digits_classifier.save_pretrained(tmp_path / "mine")
    with pytest.raises(T2WError, match=r"holds 't2w-classifier'; expected a generator"):
        TextToWeights.from_pretrained(tmp_path / "mine")
    with pytest.raises(T2WError, match=r"is no path \(File name too long"):
        Classifier.from_pretrained("a" * 5000)
