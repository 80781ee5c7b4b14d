"""What a user holds: TextToWeights and Classifier."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from t2w import Classifier, T2WError, TextToWeights
from t2w.files import load_tensors, save_tensors

pytestmark = pytest.mark.filterwarnings("ignore::t2w.T2WWarning")  # digits that the small run never saw


@pytest.fixture(scope="module")
def classifier(finished_run: Path) -> Classifier:
    return TextToWeights.from_pretrained(finished_run).generate("three, five, eight", seed=3)


def test_a_classifier_comes_back_from_its_file(classifier: Classifier, tmp_path: Path) -> None:
    path = tmp_path / "c.t2w"
    classifier.save(path)
    again = Classifier.load(path)
    images = np.zeros((2, 8, 8), dtype=np.uint8)
    assert torch.equal(again.classify(images).probabilities, classifier.classify(images).probabilities)
    assert (again.classes, again.texts, again.spec) == (classifier.classes, classifier.texts, classifier.spec)
    assert again.provenance == classifier.provenance


def test_generated_weights_are_the_evaluated_ones(finished_run: Path, classifier: Classifier) -> None:
    """The same text, seed, sampler and steps through the generator directly."""
    from t2w.generator import Generator

    generator = Generator.load(finished_run / "train" / "generator.safetensors")
    direct = generator.generate(generator.condition(classifier.text), seed=3)
    torch.testing.assert_close(direct, classifier.weights, atol=1e-5, rtol=1e-4)  # one thread there, all here


def test_features_that_do_not_fit_are_refused(classifier: Classifier) -> None:
    with pytest.raises(T2WError, match=r"features of shape \(2, 63\); expected \(images, 64\)"):
        classifier.classify_features(torch.zeros(2, 63))


def test_images_of_another_size_are_refused(classifier: Classifier) -> None:
    with pytest.raises(T2WError, match="8x8"):
        classifier.classify(np.zeros((1, 28, 28), dtype=np.uint8))


def test_damaged_and_foreign_files_are_refused(classifier: Classifier, tmp_path: Path) -> None:
    path = tmp_path / "c.t2w"
    classifier.save(path)
    content = path.read_bytes()
    path.write_bytes(content[:-10])
    with pytest.raises(T2WError, match="damaged"):
        Classifier.load(path)
    save_tensors(path, {"x": torch.zeros(2)})
    with pytest.raises(T2WError, match="unknown kind of file"):
        Classifier.load(path)


def test_a_file_with_altered_tensors_is_refused(classifier: Classifier, tmp_path: Path) -> None:
    path = tmp_path / "c.t2w"
    classifier.save(path)
    tensors, metadata = load_tensors(path)
    save_tensors(path, tensors | {"weights": tensors["weights"][:-1]}, metadata)
    with pytest.raises(T2WError, match="generate it again"):
        Classifier.load(path)


@pytest.mark.parametrize(
    "change",
    [
        {"classes": None},
        {"spec": 3},
        {"texts": []},
        {"vision": "x"},
        {"none_below": "x"},
        {"provenance": {"known_by": [1]}},
    ],
)
def test_a_file_that_something_else_wrote_is_refused(
    change: dict[str, Any], classifier: Classifier, tmp_path: Path
) -> None:
    path = tmp_path / "c.t2w"
    classifier.save(path)
    tensors, metadata = load_tensors(path)
    save_tensors(path, tensors, metadata | change)
    with pytest.raises(T2WError, match="is no complete classifier"):
        Classifier.load(path)
    save_tensors(path, tensors | {"weights": tensors["weights"] * float("nan")}, metadata)
    with pytest.raises(T2WError, match="NaN or infinity"):
        Classifier.load(path)


def test_another_text_encoder_is_refused(finished_run: Path) -> None:
    from t2w.generator import Generator

    class Other:
        identity = "other@1"
        dim = 384
        logit_scale = None

        def encode(self, texts: list[str]) -> torch.Tensor:
            return torch.zeros(len(texts), 384)

    generator = Generator.load(finished_run / "train" / "generator.safetensors")
    with pytest.raises(T2WError, match="the text encoder is other@1; expected all-MiniLM-L6-v2"):
        TextToWeights(generator, Other())


def test_a_run_made_with_the_encoder_before_is_refused(finished_run: Path) -> None:
    from t2w.generator import Generator

    writer = TextToWeights.from_pretrained(finished_run)
    generator = Generator.load(finished_run / "train" / "generator.safetensors")
    generator.provenance["vision"] = {"kind": "embedded", "identity": "t2w-embedded@2b66"}
    with pytest.raises(T2WError, match="t2w-embedded@2b66, which t2w no longer has"):
        TextToWeights(generator, writer.text_encoder)


def test_features_of_a_file_say_which_encoder_they_need(classifier: Classifier) -> None:
    from dataclasses import replace

    other = replace(classifier, vision={"identity": "some network", "preprocessing": "x"})
    with pytest.raises(T2WError, match="some network"):
        other.classify(np.zeros((1, 8, 8), dtype=np.uint8))


def test_samples_vote(finished_run: Path) -> None:
    writer = TextToWeights.from_pretrained(finished_run)
    several = writer.generate("three, five, eight", samples=3, steps=4)
    assert len(several.weights) == 3
    assert not torch.equal(several.weights[0], several.weights[1])
    features = torch.randn(5, 64, generator=torch.Generator().manual_seed(0))
    from dataclasses import replace

    alone = [replace(several, weights=several.weights[i : i + 1]).classify_features(features) for i in range(3)]
    mean = torch.stack([one.probabilities for one in alone]).mean(dim=0)
    assert torch.allclose(several.classify_features(features).probabilities, mean, atol=1e-6)
    with pytest.raises(T2WError, match="0 samples"):
        writer.generate("three, five", samples=0)


def test_own_texts_and_context_are_what_is_encoded(finished_run: Path) -> None:
    writer = TextToWeights.from_pretrained(finished_run)
    told = writer.generate("three, five", texts={"three": "a round digit"}, context="written by hand")
    assert told.texts == ("a round digit, written by hand", "a photo of a five, written by hand")
    with pytest.raises(T2WError, match="not one of the classes"):
        writer.generate("three, five", texts={"nine": "a digit"})
    with pytest.raises(T2WError, match="text given for class 'three' is empty"):
        writer.generate("three, five", texts={"three": " "})


def test_classes_it_was_not_trained_on_are_named(finished_run: Path) -> None:
    writer = TextToWeights.from_pretrained(finished_run)
    unseen = set(writer.class_names) - set(writer.generator.provenance["seen_classes"])
    assert set(writer.new_names(writer.class_names)) == unseen


def test_a_file_of_before_is_still_read(classifier: Classifier, tmp_path: Path) -> None:
    path = tmp_path / "old.t2w"
    classifier.save(path)
    tensors, metadata = load_tensors(path, what="a classifier")
    tensors["weights"] = tensors["weights"][0]
    save_tensors(path, tensors, {**metadata, "version": 1})
    assert torch.equal(Classifier.load(path).weights, classifier.weights)
