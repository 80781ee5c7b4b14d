from __future__ import annotations

import pytest
from small_wordnet import CountingEncoder

from t2w.errors import T2WError
from t2w.words import Choice, Dictionary, Known, choose_senses


@pytest.fixture
def known(dictionary: Dictionary) -> Known:
    rows = [dictionary.find(name)[0].row for name in ("stork", "bulldozer")]
    return Known(dictionary.embeddings(rows), tuple(map(dictionary.field, rows)))


def choose(dictionary: Dictionary, known: Known, *names: str, **options: dict[str, str]) -> tuple[Choice, ...]:
    return choose_senses(names, dictionary, CountingEncoder().encode, known, **options)  # type: ignore[arg-type]


def test_the_other_classes_decide(dictionary: Dictionary, known: Known) -> None:
    among_birds = choose(dictionary, known, "crane", "heron", "stork")[0]
    among_machines = choose(dictionary, known, "crane", "bulldozer", "excavator")[0]
    assert str(among_birds) == "crane: bird; also: machine"
    assert str(among_machines) == "crane: machine; also: bird"
    assert 0.5 < among_birds.share < 1


@pytest.mark.parametrize("given", ["bird", "n00000030", "Bird"])
def test_a_sense_can_be_given(dictionary: Dictionary, known: Known, given: str) -> None:
    crane = choose(dictionary, known, "crane", "bulldozer", given={"Crane": given})[0]
    assert crane.sense is not None
    assert crane.sense.kind == "bird"
    assert crane.share == 1


def test_a_sense_that_is_not_there(dictionary: Dictionary, known: Known) -> None:
    with pytest.raises(T2WError, match=r"no sense 'dance'; expected one of: machine \(n00000050\), bird"):
        choose(dictionary, known, "crane", "heron", given={"crane": "dance"})
    with pytest.raises(T2WError, match="not one of the classes"):
        choose(dictionary, known, "crane", "heron", given={"stork": "bird"})


def test_an_unknown_word_goes_by_its_spelling(dictionary: Dictionary, known: Known) -> None:
    strange, emoji, _ = choose(dictionary, known, "flurb", "🦩", "heron")
    assert strange.sense is None
    assert emoji.sense is None
    assert str(strange) == "flurb: not in the dictionary, taken as it is spelt"


def test_several_words_find_their_noun(dictionary: Dictionary, known: Known) -> None:
    head, lily, bird = choose(dictionary, known, "heron head", "water lilly", "a big grey heron")
    assert (head.noun, lily.noun, bird.noun) == ("heron", "water lily", "heron")
    assert str(head) == 'heron head as "heron": bird'
