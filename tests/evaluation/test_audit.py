"""The audit of a finished run: what it measures, and what it writes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from t2w.evaluation.audit import TOLD, memorisation, text_effect
from t2w.evaluation.generated import Sampled
from t2w.generator import Sampling
from t2w.runs.folder import stored_run


@pytest.fixture(scope="module")
def parts(finished_run: Path) -> tuple:
    run = stored_run(finished_run)
    return run.bench, Sampled(run.generator, Sampling(steps=4))


def test_what_is_told_changes_the_answer(parts: tuple) -> None:
    bench, sampling = parts
    tasks = bench.validation_tasks
    scores = text_effect(sampling, bench, tasks)
    assert tuple(scores) == TOLD
    assert all(values.shape == (len(tasks),) for values in scores.values())
    np.testing.assert_allclose(scores["matched"], bench.score(sampling.vectors(bench, tasks, seed=0), tasks))
    again = text_effect(sampling, bench, tasks)
    assert all(np.array_equal(scores[told], again[told]) for told in TOLD)


def test_training_weights_are_copies_of_themselves(parts: tuple) -> None:
    bench, sampling = parts
    tasks = bench.train_tasks[:5]

    class Copying:
        generator = sampling.generator

        def vectors(self, *_: object, **__: object) -> object:
            return bench.train_vectors[:5]

    found = memorisation(Copying(), bench, tasks, bench.train_vectors[5:10])  # type: ignore[arg-type]
    assert np.allclose(found.generated, 0, atol=1e-2)  # float32 differences of squares
    same = memorisation(Copying(), bench, tasks, bench.train_vectors[:5])  # type: ignore[arg-type]
    assert same.explained == pytest.approx(1)


def test_the_command(finished_run: Path, t2w: Callable, tmp_path: Path) -> None:
    run = Path(shutil.copytree(finished_run, tmp_path / "run"))
    done = t2w("audit", str(run))
    assert done.code == 0, done.err
    assert "the generator is told" in done.out
    found = json.loads((run / "audit.json").read_text())
    assert found.keys() == {"unseen_combination", "unseen_class"}
    assert found["unseen_combination"]["text"].keys() == set(TOLD)
    assert (run / "audit.png").stat().st_size > 1000
    assert t2w("audit", str(tmp_path)).code == 2
    shutil.rmtree(run / "eval")
    assert "has no trained adapters to compare with" in t2w("audit", str(run)).err
