from __future__ import annotations

import re
from collections import Counter

import pytest

from t2w.datasets import class_list, descriptions
from t2w.errors import T2WError
from t2w.tasks import TextMode

NAMES = ("cifar100", "caltech256", "tiny_imagenet")


def readable(name: str) -> str:
    return re.sub(r"-101$", "", name).replace("_", " ").replace("-", " ").casefold()


@pytest.mark.parametrize("name", NAMES)
def test_one_sentence_per_class_in_the_order_of_the_list(name: str) -> None:
    sentences = descriptions(name)
    assert tuple(sentences) == class_list(name)
    for class_name, sentence in sentences.items():
        assert re.fullmatch(r"[A-Z][A-Za-z0-9 ,'-]+\.", sentence), f"{class_name}: {sentence}"
        assert 8 <= len(sentence.split()) <= 20, f"{class_name}: {sentence}"


@pytest.mark.parametrize("name", NAMES)
def test_no_two_say_the_same(name: str) -> None:
    runs: Counter[tuple[str, ...]] = Counter()
    for sentence in descriptions(name).values():
        words = re.findall(r"[a-z0-9'-]+", sentence.lower())
        runs.update({tuple(words[i : i + 6]) for i in range(len(words) - 5)})
    assert [run for run, times in runs.items() if times > 1] == []  # no boilerplate


@pytest.mark.parametrize("name", NAMES)
def test_none_is_about_another_class(name: str) -> None:
    others = {other for other in class_list(name) if other != "orange"}  # a colour too
    begins = {other: re.compile(rf"(an? |the )?{re.escape(readable(other))}s?\b") for other in others}
    for class_name, sentence in descriptions(name).items():
        found = [other for other in others - {class_name} if begins[other].match(sentence.casefold())]
        assert found == [], f"{class_name}: {sentence}"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("mode", ["template", "description", "ensemble"])
def test_no_two_classes_have_the_same_text(name: str, mode: str) -> None:
    made = {
        "template": TextMode(),
        "description": TextMode.described(descriptions(name)),
        "ensemble": TextMode.ensemble(),
    }
    prompts = [prompt for several in made[mode].prompts(class_list(name)) for prompt in several]
    assert len(set(prompts)) == len(prompts)


def test_unknown_list() -> None:
    with pytest.raises(T2WError, match="did you mean 'cifar100'"):
        descriptions("cifar10")
