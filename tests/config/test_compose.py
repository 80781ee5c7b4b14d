from __future__ import annotations

import re
from dataclasses import replace
from importlib.resources import files

import pytest
import yaml

from t2w.adapters import RECIPES
from t2w.config import compose, options
from t2w.errors import T2WError

# dataset=features alone has no path, which is an error of its own
EXTRA = {("dataset", "features"): ["dataset.path=x.safetensors"]}
# units belong together
EXTRA |= {(group, "units"): ["encoder=efficientnet", "adapters=units", "generator=units"] for group in options()}


@pytest.mark.parametrize(("group", "option"), [(g, o) for g, names in options().items() for o in names])
def test_every_yaml_loads(group: str, option: str) -> None:
    config = compose([f"{group}={option}", *EXTRA.get((group, option), [])])
    text = (files("t2w.configs") / group / f"{option}.yaml").read_text()
    section = getattr(config, group, None)
    for key, value in (yaml.safe_load(text) or {}).items():
        if (
            section is not None
            and not isinstance(value, dict)
            and value is not None
            and key not in ("path", "defaults")
        ):
            assert section.to_dict()[key] == value


def test_overrides_win() -> None:
    config = compose(["experiment=tiny_imagenet_features", "tasks.split_seed=7", "generator.n_layer=2"])
    assert (config.tasks.split_seed, config.generator.n_layer, config.tasks.unseen_classes) == (7, 2, 40)
    assert config.out == "runs/tiny_imagenet_features"


def test_every_problem_is_reported_at_once() -> None:
    with pytest.raises(T2WError) as error:
        compose(["generator.n_layers=6", "seed=x", "tasks.max_classes=2", "recipe=paperr", "nonsense"])
    text = str(error.value)
    assert "5 problems" in text
    for part in (
        "no key 'generator.n_layers' (did you mean 'generator.n_layer'?)",
        "seed is 'x'",
        "tasks.max_classes is 2, below tasks.min_classes",
        "recipe is 'paperr' (did you mean 'paper'?); expected one of best, fast, paper",
        "'nonsense' is not an override; expected key=value",
    ):
        assert part in text


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        ("generator.n_head=3", "expected a multiple of generator.n_head"),
        ("train.learning_rate=-1", "train.learning_rate is -1"),
        ("train.learning_rate=.nan", "train.learning_rate"),
        ("train.steps=1.5", "train.steps is 1.5"),
        ("train.steps=many", "train.steps is 'many'"),
        ("diffusion.sampler=euler", "diffusion.sampler is 'euler'"),
        ("tasks.min_classes=1", "tasks.min_classes is 1"),
        ("encoder.template=hello", "encoder.template is 'hello'"),
        ("recipe.patience=3 recipe.validation_fraction=0", "recipe.patience needs held-out images"),
        ("recipe.epochs=3", "give one, set the other to null"),
        ("dataset=features", "dataset.path is missing"),
        ("adapters=units", "units belong together: set adapters=units generator=units"),
        ("adapters=units generator=units", "encoder.concepts is false; set encoder=efficientnet"),
        ("a=[1", "no viable"),
    ],
)
def test_values_are_checked(override: str, sentence: str) -> None:
    with pytest.raises(T2WError, match=re.escape(sentence)):
        compose(override.split())


@pytest.mark.parametrize("name", list(RECIPES))
def test_the_recipes_of_the_configuration_are_those_of_python(name: str) -> None:
    recipe = compose([f"recipe={name}"]).recipe
    assert recipe == replace(RECIPES[name], validation_fraction=recipe.validation_fraction)
