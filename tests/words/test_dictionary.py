from __future__ import annotations

from pathlib import Path

import pytest
import torch
from small_wordnet import CountingEncoder
from torch.testing import assert_close

from t2w.errors import T2WError
from t2w.files import save_tensors
from t2w.pretraining.wordnet import WordNet
from t2w.words import Dictionary


def test_senses_come_by_name_the_most_frequent_first(dictionary: Dictionary) -> None:
    kinds = [sense.kind for sense in dictionary.find("crane")]
    assert kinds == ["machine", "bird"]
    assert [sense.key for sense in dictionary.find("crane")] == ["n00000050", "n00000030"]
    assert str(dictionary.find("heron")[0]) == "heron (bird)"
    assert dictionary.find("unicorn") == ()


@pytest.mark.parametrize("written", ["Water Lily", "water_lily", "water-lily", "water lilies", "WATER  LILIES"])
def test_a_noun_is_found_in_any_spelling(dictionary: Dictionary, written: str) -> None:
    assert [sense.names for sense in dictionary.find(written)] == [("water lily",)]


def test_plurals_regular_and_irregular(dictionary: Dictionary) -> None:
    assert dictionary.find("mice") == dictionary.find("mouse")
    assert dictionary.find("storks") == dictionary.find("stork")


def test_a_misspelt_noun(dictionary: Dictionary) -> None:
    assert dictionary.near("water lilly") == "water lily"
    assert dictionary.near("excavatr") == "excavator"
    assert dictionary.near("hero") is None  # short words are near to too many


def test_embeddings_are_those_of_the_texts(dictionary: Dictionary, wordnet: WordNet) -> None:
    encoder = CountingEncoder()
    for name in ("heron", "excavator"):
        (sense,) = dictionary.find(name)
        texts = wordnet.texts(wordnet.synsets[sense.key[1:]])
        expected = torch.nn.functional.normalize(encoder.encode(texts).mean(0), dim=0)
        assert float(dictionary.embeddings([sense.row])[0] @ expected) > 0.98


def test_kinds_of_kinds(dictionary: Dictionary) -> None:
    (heron,), (bird,), (animal,) = (dictionary.find(name) for name in ("heron", "bird", "animal"))
    assert {heron.row, bird.row, animal.row} <= dictionary.ancestors(heron.row)
    assert heron.row not in dictionary.ancestors(bird.row)


def test_single_places_and_people_are_left_out(dictionary: Dictionary) -> None:
    assert dictionary.find("Elba") == ()


def test_ids(dictionary: Dictionary) -> None:
    (sense,) = dictionary.by_key(["n00000070"])
    assert sense.names == ("stork",)
    with pytest.raises(T2WError, match="has no sense 'n99999999'"):
        dictionary.by_key(["n99999999"])


def test_texts_of_a_sense(wordnet: WordNet) -> None:
    assert wordnet.texts(wordnet.synsets["00000030"]) == (
        "crane (bird, animal): large long-necked bird that wades in marshes",
        "a photo of a crane, large long-necked bird that wades in marshes",
        "large long-necked bird that wades in marshes; an animal with feathers and wings; a living thing that moves",
    )


def test_another_release_is_refused(tmp_path: Path) -> None:
    for name in ("data.noun", "index.noun", "noun.exc"):
        (tmp_path / name).write_text("")
    with pytest.raises(T2WError, match=r"another release of WordNet; expected release 3\.0"):
        assert WordNet(tmp_path).synsets
    with pytest.raises(T2WError, match=r"cannot read .*; expected a WordNet in WNDB form"):
        assert WordNet(tmp_path / "nowhere").synsets


def test_another_format_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "dictionary.safetensors"
    save_tensors(path, {"names": torch.zeros(1, dtype=torch.uint8)}, {"format": "t2w-dictionary", "version": 99})
    with pytest.raises(T2WError, match="version 99; expected t2w-dictionary, version 1"):
        Dictionary.load(path)


def test_embeddings_have_unit_length(dictionary: Dictionary) -> None:
    assert_close(dictionary.embeddings(range(len(dictionary))).norm(dim=1), torch.ones(len(dictionary)))
