"""Pictures as evidence: in a made-up world of Gaussian classes, where the truth is known."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F

from t2w.concepts import Appearance, Concepts, Evidence, with_pictures
from t2w.concepts.mixture import fit_mixture
from t2w.concepts.photographs import ClassStatistics
from t2w.concepts.surety import NoneRule, Surety
from t2w.errors import T2WError

DIM, CLASSES, KNOWN = 40, 6, 60


@pytest.fixture(scope="module")
def world() -> dict[str, torch.Tensor]:
    """Class means, a covariance that is far from round, rows that are half right, pictures, and foreign ones."""
    rng = torch.Generator().manual_seed(0)
    means = 2.0 * torch.randn(KNOWN + 2 * CLASSES, DIM, generator=rng)
    spread = torch.linspace(0.3, 3.0, DIM)
    rows = F.normalize(means / spread**2, dim=1)
    guesses = F.normalize(rows[:CLASSES] + 0.7 * F.normalize(torch.randn(CLASSES, DIM, generator=rng), dim=1), dim=1)
    labels = torch.arange(CLASSES).repeat_interleave(40)
    pictures = means[labels] + spread * torch.randn(len(labels), DIM, generator=rng)
    foreign = means[CLASSES : 2 * CLASSES].repeat_interleave(40, 0)
    foreign = foreign + spread * torch.randn(len(foreign), DIM, generator=rng)
    return {
        "rows": guesses, "known": rows[2 * CLASSES :], "pictures": pictures, "labels": labels, "foreign": foreign,
        "within": torch.diag(spread**2), "means": means,
    }  # fmt: skip


@pytest.fixture(scope="module")
def concepts(world: dict[str, torch.Tensor]) -> Concepts:
    statistics = ClassStatistics(world["means"][:CLASSES], world["within"])
    text = F.normalize(torch.randn(KNOWN, 8, generator=torch.Generator().manual_seed(1)), dim=1)
    names = tuple((f"thing {i}",) for i in range(KNOWN))
    return Concepts(
        names, text, text.clone(), world["known"], torch.arange(KNOWN), torch.empty(0, DIM), Appearance.of(statistics)
    )


@pytest.fixture(scope="module")
def words(world: dict[str, torch.Tensor]) -> Evidence:
    text = F.normalize(torch.eye(CLASSES, 8) + 0.1, dim=1)
    return Evidence(text, world["rows"], torch.full((CLASSES,), 0.8), ("map",) * CLASSES)


def accuracy(rows: torch.Tensor, world: dict[str, torch.Tensor]) -> float:
    return float(((world["pictures"] @ rows.T).argmax(1) == world["labels"]).float().mean())


def test_whitening_is_undone_and_makes_the_spread_even(world: dict[str, torch.Tensor]) -> None:
    looks = Appearance.of(ClassStatistics(world["means"][:CLASSES], world["within"]))
    rows = world["rows"]
    torch.testing.assert_close(looks.rows(looks.prototypes(rows)), rows, atol=1e-4, rtol=1e-4)
    # A row's answer for features is that of its prototype for whitened ones.
    x = world["pictures"]
    q = looks.prototypes(rows)
    assert torch.equal((looks.whitened(x) @ q.T).argmax(1), (x @ looks._power(q, -0.5).T).argmax(1))
    again = Appearance.from_tensors({name: value.half() for name, value in looks.tensors().items()})
    torch.testing.assert_close(again.prototypes(rows), q, atol=1e-2, rtol=1e-2)
    with pytest.raises(T2WError, match="expected basis, spread, rest"):
        Appearance.from_tensors({"basis": torch.eye(3)})


@pytest.mark.parametrize("shots", [0, 1, 4])
def test_pictures_help(shots: int, world: dict[str, torch.Tensor], concepts: Concepts, words: Evidence) -> None:
    labels = torch.full((len(world["pictures"]),), -1)
    for k in range(CLASSES):
        labels[40 * k : 40 * k + shots] = k
    found = with_pictures(words, concepts, world["pictures"], labels.tolist())
    assert not found.kept_words
    assert accuracy(found.evidence.rows, world) > accuracy(words.rows, world) + 0.03
    assert bool((found.evidence.variance < words.variance).all())
    assert found.evidence.sources[0].startswith("map and ")
    assert float(found.counts.sum()) == pytest.approx(len(labels), abs=0.1)


def test_one_label_of_one_class_leaves_the_others_to_words(
    world: dict[str, torch.Tensor], concepts: Concepts, words: Evidence
) -> None:
    found = with_pictures(words, concepts, world["pictures"][:1], [0])
    assert torch.equal(found.evidence.rows[1:], words.rows[1:])
    assert found.evidence.sources == ("map and 1 picture", *("map",) * (CLASSES - 1))


def test_foreign_pictures_leave_the_words(world: dict[str, torch.Tensor], concepts: Concepts, words: Evidence) -> None:
    found = with_pictures(words, concepts, world["foreign"], [-1] * len(world["foreign"]))
    assert found.kept_words
    assert found.evidence is words
    assert found.fit is not None
    assert found.fit < 6


def test_uneven_sizes_are_estimated(world: dict[str, torch.Tensor], concepts: Concepts, words: Evidence) -> None:
    kept = torch.cat([torch.arange(40 * k, 40 * k + size) for k, size in enumerate([40, 30, 20, 10, 2, 0])])
    found = with_pictures(words, concepts, world["pictures"][kept], [-1] * len(kept))
    # Which class is which may be mistaken; how large they are is not.
    sizes = torch.tensor([40, 30, 20, 10, 2, 0]) / 102
    torch.testing.assert_close(found.shares.sort(descending=True).values, sizes, atol=0.13, rtol=0)  # even ones: 0.23


def test_bad_pictures(concepts: Concepts, words: Evidence, world: dict[str, torch.Tensor]) -> None:
    for features, labels in (
        (torch.empty(0, DIM), []),
        (world["pictures"][:2], [0]),
        (torch.full((1, DIM), float("nan")), [-1]),
    ):
        with pytest.raises(T2WError, match="features"):
            with_pictures(words, concepts, features, labels)


def test_a_class_with_all_the_examples(world: dict[str, torch.Tensor], concepts: Concepts, words: Evidence) -> None:
    many = world["pictures"][:40].repeat(250, 1)  # 10,000 of one class
    found = with_pictures(words, concepts, many, [0] * len(many))
    assert torch.equal(found.evidence.rows[1:], words.rows[1:])
    assert bool(torch.isfinite(found.evidence.rows).all())


def test_labels_stay_what_they_are(words: Evidence, world: dict[str, torch.Tensor], concepts: Concepts) -> None:
    looks = concepts.appearance
    assert looks is not None
    z, q = looks.whitened(world["pictures"]), looks.prototypes(words.rows)
    found = fit_mixture(q, words.variance, z @ q.T, z, world["labels"])
    assert torch.equal(found.counts, torch.full((CLASSES,), 40.0))
    assert torch.equal(found.shares, torch.full((CLASSES,), 1 / CLASSES))


def test_none_of_these(world: dict[str, torch.Tensor]) -> None:
    known = torch.cat([F.normalize(world["means"][CLASSES : 2 * CLASSES], dim=1), world["known"]])
    rows = F.normalize(world["means"][:CLASSES], dim=1)
    rule = NoneRule(0.0, torch.empty(0, DIM))
    own, foreign = (rule.scores(rows, known, world[name]) for name in ("pictures", "foreign"))
    assert float((own[:, None] > foreign).float().mean()) > 0.9
    assert ((rule.unit(world["foreign"]) @ known.T).argmax(1) < CLASSES).float().mean() > 0.8
    assert bool((rule.scores(rows, rows, world["pictures"]) == math.inf).all())  # all that is known is in the task
    with pytest.raises(T2WError, match="NaN or infinity"):
        NoneRule(float("nan"), torch.empty(0, DIM))


def test_surety_is_of_the_size_and_the_variance() -> None:
    surety = Surety((0.1, 0.5, 0.0, 0.0), (-1.0, 0.0, 0.5, 0.0))
    assert surety.temperature_of(torch.zeros(7)) == pytest.approx(math.exp(0.1))
    assert surety.temperature_of(torch.ones(7)) == pytest.approx(math.exp(0.6))
    assert surety.threshold_of(torch.ones(7)) == pytest.approx(-1 + 0.5 * math.log(7))
    assert Surety.from_dict(surety.to_dict()) == surety
