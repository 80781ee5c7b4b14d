"""A small finished run that many tests look at, and the command line as a user calls it."""

from __future__ import annotations

import os
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from t2w.cli.main import main

if TYPE_CHECKING:
    from hub_server import HubServer

    from t2w import Classifier, TextToWeights
    from t2w.pretraining.wordnet import WordNet
    from t2w.words import Dictionary

os.environ.setdefault("HF_HUB_OFFLINE", "1")

# Everything small, and three of the ten digits held out: tasks of 2 to 3 of them give 4 unseen-class tasks.
SMALL = [
    "experiment=digits",
    "tasks.min_classes=2",
    "tasks.max_classes=5",
    "tasks.unseen_classes=3",
    "tasks.n_unseen_class=4",
    "tasks.n_train=40",
    "tasks.n_validation=8",
    "tasks.n_unseen_combination=12",
    "adapters.base.steps=100",
    "adapters.shard_size=16",
    "recipe.steps=30",
    "generator.n_embd=32",
    "generator.n_layer=1",
    "train.steps=20",
    "train.batch_size=16",
    "train.warmup=2",
    "eval.ensemble=2",
    "eval.bootstrap=200",
    "eval.ridge_alphas=[1.0,10.0]",
    "eval.joint.steps=50",
    "eval.joint.learning_rates=[0.001]",
]


@dataclass(frozen=True)
class Outcome:
    """What a call of `t2w` did."""

    code: int
    out: str
    err: str


@pytest.fixture
def t2w(capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Call the command line: `t2w("run", "seed=1")`."""

    def call(*arguments: str) -> Outcome:
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            main(arguments)
        captured = capsys.readouterr()
        return Outcome(int(stop.value.code or 0), captured.out, captured.err)

    return call


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Operations as small as those of tests lose by a second thread, badly so on a busy machine."""
    from t2w.devices import one_thread as alone

    with alone(True):
        yield


@pytest.fixture(scope="session")
def cluster() -> Iterator[None]:
    """A Ray of this machine, started as `launcher=ray` starts its own, which it finds connected and leaves so."""
    ray = pytest.importorskip("ray", reason='Ray is not installed: pip install "t2w[scale]"')
    from t2w.cluster import connected

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(sys.path))  # where workers find what tests define
        patch.setenv("RAY_ADDRESS", "127.0.0.1:1")  # another cluster, which was not asked for
        with connected(None):
            yield
            assert ray.is_initialized()
    assert not ray.is_initialized()


@pytest.fixture(scope="session")
def small_config() -> list[str]:
    return SMALL


@pytest.fixture(scope="session")
def reads() -> Counter[str]:
    """How often the finished run read its features and its tasks."""
    return Counter()


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory: pytest.TempPathFactory, reads: Counter[str]) -> Path:
    """The folder of a small run of all stages."""
    from t2w.adapters import linear_head
    from t2w.runs import run

    def counting(name: str, load: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any) -> Any:
            reads[name] += 1
            return load(*arguments)

        return counted

    folder = tmp_path_factory.mktemp("finished") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(linear_head, "_STEPS", 40)  # the baseline's accuracy is not what tests look at
        patch.setattr(run, "load_features", counting("features", run.load_features))
        patch.setattr(run, "load_tasks", counting("tasks", run.load_tasks))
        with pytest.raises(SystemExit) as stop:
            main(["run", *SMALL, f"out={folder}"])
    assert not stop.value.code
    return folder


@pytest.fixture(scope="session")
def digits_writer(finished_run: Path) -> TextToWeights:
    """The generator of the finished run."""
    from t2w import TextToWeights

    return TextToWeights.from_pretrained(finished_run)


@pytest.fixture(scope="session")
def digits_classifier(digits_writer: TextToWeights) -> Classifier:
    """A classifier of three digits that it wrote."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of digits that the run withheld
        return digits_writer.generate("three, five, eight", seed=3)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    """A hub that the library talks to as "me", with an empty cache; its waits between tries are short."""
    from hub_server import connect

    sleep = time.sleep
    monkeypatch.setattr("time.sleep", lambda seconds: sleep(min(seconds, 0.01)))
    with connect(tmp_path / "hub-cache", monkeypatch) as server:
        yield server


@pytest.fixture(scope="session")
def wordnet(tmp_path_factory: pytest.TempPathFactory) -> WordNet:
    """A WordNet of a dozen nouns."""
    from small_wordnet import write_wordnet

    from t2w.pretraining.wordnet import WordNet

    return WordNet(write_wordnet(tmp_path_factory.mktemp("wordnet")))


@pytest.fixture(scope="session")
def dictionary(wordnet: WordNet, tmp_path_factory: pytest.TempPathFactory) -> Dictionary:
    """Its dictionary, of a text encoder that counts words."""
    from small_wordnet import CountingEncoder

    from t2w.pretraining.dictionary import build
    from t2w.words import Dictionary

    path = tmp_path_factory.mktemp("dictionary") / "dictionary.safetensors"
    build(wordnet, CountingEncoder(), path, dimensions=12)
    return Dictionary.load(path)
