from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from small_wordnet import CountingEncoder
from torch.testing import assert_close

from t2w.concepts import Concepts, Lexicon, concepts_of
from t2w.concepts.photographs import class_statistics, with_photographs
from t2w.encoders.head import ClassifierHead
from t2w.errors import T2WError
from t2w.words import Choice, Dictionary

LABELS = ("n00000060", "n00000070", "bulldozer, dozer", "flurb")
ENCODE = CountingEncoder().encode


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def head() -> ClassifierHead:
    return ClassifierHead(random(4, 10), random(4, seed=1), LABELS, random(10, seed=2))


@pytest.fixture
def concepts(head: ClassifierHead, dictionary: Dictionary) -> Concepts:
    return concepts_of(head, dictionary, ENCODE, means=[random(10, seed=3)])


def choice(dictionary: Dictionary, name: str, share: float = 1.0) -> Choice:
    senses = dictionary.find(name)
    return Choice(name, name if senses else None, senses[0] if senses else None, share=share)


def test_labels_are_ids_or_names(concepts: Concepts, dictionary: Dictionary) -> None:
    assert concepts.names == (("heron",), ("stork",), ("bulldozer", "dozer"), ("flurb",))
    assert concepts.senses.tolist() == [*(dictionary.find(n)[0].row for n in ("heron", "stork", "dozer")), -1]
    assert_close(concepts.text[3], ENCODE(["flurb"])[0])


def test_rows_are_centred_and_of_unit_length(concepts: Concepts, head: ClassifierHead) -> None:
    assert_close(concepts.rows.norm(dim=1), torch.ones(4))
    for mean in (head.mean, random(10, seed=3)):
        assert mean is not None
        assert_close(concepts.rows @ F.normalize(mean, dim=0), torch.zeros(4), atol=1e-5, rtol=0)


def test_a_withheld_class_goes_with_its_synonyms_in_any_spelling(concepts: Concepts) -> None:
    assert concepts.at(concepts.without(["Dozer"])).names == (("heron",), ("stork",), ("flurb",))
    assert concepts.without([]) == [0, 1, 2, 3]
    assert len(concepts.without(["HERON", "stork "])) == 2


def test_generic_labels_are_no_names(dictionary: Dictionary) -> None:
    head = ClassifierHead(random(2, 3), random(2), ("LABEL_0", "LABEL_1"))
    with pytest.raises(T2WError, match=r"class names are such as 'LABEL_0'; expected words.*id2label"):
        concepts_of(head, dictionary, ENCODE)


def test_a_head_whose_names_and_rows_do_not_fit() -> None:
    with pytest.raises(T2WError, match=r"shape \(3, 5\) with 3 biases for 2 class names"):
        ClassifierHead(random(3, 5), random(3), ("cat", "dog"))
    with pytest.raises(T2WError, match="NaN or infinity"):
        ClassifierHead(random(2, 5) / 0, random(2), ("cat", "dog"))


def test_a_file_gives_concepts_back(concepts: Concepts) -> None:
    again = Concepts.from_tensors(
        concepts.names, {k: v.half() if v.ndim > 1 else v for k, v in concepts.tensors().items()}
    )
    assert again.names == concepts.names
    assert_close(again.rows, concepts.rows, atol=1e-3, rtol=1e-2)
    with pytest.raises(T2WError, match="3 concepts with"):
        Concepts.from_tensors(concepts.names[:3], concepts.tensors())


def test_what_a_class_is_known_by(concepts: Concepts, dictionary: Dictionary) -> None:
    lexicon = Lexicon(concepts, ENCODE, dictionary)
    names = ("heron", "bird", "excavator", "zork")
    evidence = lexicon.evidence([choice(dictionary, name) for name in names])
    assert evidence.sources == ("known", "2 known kinds", "map", "map")
    assert_close(evidence.rows[0], concepts.rows[0])
    assert_close(evidence.rows.norm(dim=1), torch.ones(4))
    assert evidence.variance[0] == 0
    assert evidence.variance[1] < evidence.variance[3]
    kinds = F.normalize(concepts.rows[:2].mean(0), dim=0)
    assert float(evidence.rows[1] @ kinds) > 0.8


def test_the_users_own_text_takes_the_place_of_the_dictionarys(concepts: Concepts, dictionary: Dictionary) -> None:
    lexicon = Lexicon(concepts, ENCODE, dictionary)
    described = lexicon.evidence([choice(dictionary, "heron")], texts={"heron": "a machine that pushes earth"})
    assert described.sources == ("map",)
    assert float(described.rows[0] @ concepts.rows[2]) > float(described.rows[0] @ concepts.rows[0])


def test_photographs_move_known_rows_and_add_others(concepts: Concepts, dictionary: Dictionary) -> None:
    centres = concepts.centred(5 * random(2, 10, seed=7))
    labels = torch.arange(2).repeat_interleave(40)
    features = centres[labels] + 0.1 * random(80, 10, seed=8)
    statistics = class_statistics(concepts, features, labels, [0, 1])
    assert_close(statistics.means, centres - centres.mean(0), atol=0.1, rtol=0)
    (heron,) = dictionary.find("heron")
    seen, positions = with_photographs(
        concepts, statistics, names=["heron", "gizmo"], text=random(2, 64), name_text=random(2, 64),
        senses=[heron.row, -1],
    )  # fmt: skip
    assert positions == (0, 4)
    assert seen.names[4] == ("gizmo",)
    assert float(seen.rows[0] @ F.normalize(statistics.means[0], dim=0)) > float(
        concepts.rows[0] @ F.normalize(statistics.means[0], dim=0)
    )
    assert_close(seen.rows[1:4], concepts.rows[1:])


def test_made_up_features_have_the_covariance_of_the_seen_classes(concepts: Concepts) -> None:
    features = random(400, 10, seed=4) @ random(10, 10, seed=5)
    statistics = class_statistics(concepts, features, torch.arange(400) % 2, [0, 1])
    made = random(50_000, 10, seed=6) @ statistics.noise.T
    assert_close(made.T @ made / len(made), statistics.within, atol=0.5, rtol=0.05)
    assert_close(statistics.means_of(concepts.rows).norm(dim=1), torch.full((4,), statistics.length))
