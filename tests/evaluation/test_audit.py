"""The audit of a finished run: what it measures, and what it writes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from t2w.evaluation import behaviour
from t2w.evaluation.audit import TOLD, memorisation, text_effect
from t2w.evaluation.behaviour import SHARES, mistakes, unseen_shares
from t2w.evaluation.generated import Sampled
from t2w.evaluation.report import add_audit
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


def test_trained_adapters_make_their_own_mistakes(parts: tuple) -> None:
    bench, _ = parts

    class Copying:
        def vectors(self, _: object, tasks: list, *, seed: int) -> object:
            return bench.train_vectors[[bench.train_tasks.index(task) for task in tasks]]

    found = mistakes(Copying(), bench)  # type: ignore[arg-type]
    assert np.nanmin(found["generated"].similarity) == 1
    noise = [float(np.nanmean(one.similarity)) for kind, one in found.items() if kind.startswith("trained, noise")]
    assert noise == sorted(noise, reverse=True)
    assert noise[0] < 1
    assert all(((one.accuracy >= 0) & (one.accuracy <= 1)).all() for one in found.values())


def test_shares_of_unseen_classes(parts: tuple) -> None:
    bench, sampling = parts
    found = unseen_shares(sampling, bench)
    shares = [one.share for one in found]
    assert shares[0] == 0
    assert shares == sorted(shares)
    assert set(shares) <= set(SHARES)
    assert len(shares) > 1
    distances = [float(one.distance.mean()) for one in found]
    assert min(distances) > 0
    again = unseen_shares(sampling, bench)
    assert all(np.array_equal(a.generated, b.generated) for a, b in zip(found, again, strict=True))


def test_the_command(finished_run: Path, t2w: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(behaviour, "_MOST", 10)
    monkeypatch.setattr(behaviour, "_TASKS", 5)
    run = Path(shutil.copytree(finished_run, tmp_path / "run"))
    done = t2w("audit", str(run))
    assert done.code == 0, done.err
    assert "the generator is told" in done.out
    found = json.loads((run / "audit.json").read_text())
    assert found["splits"].keys() == {"unseen_combination", "unseen_class"}
    assert found["splits"]["unseen_combination"]["text"].keys() == set(TOLD)
    assert (run / "audit.png").stat().st_size > 1000
    page = (run / "report.html").read_text(encoding="utf-8")
    assert "Not made yet" not in page
    assert "Classes never trained on" in page
    add_audit(run / "report.html", found, (run / "audit.png").read_bytes())  # in the place of the earlier one
    assert (run / "report.html").read_text(encoding="utf-8") == page
    assert t2w("audit", str(tmp_path)).code == 2
    shutil.rmtree(run / "eval")
    assert "has no trained adapters to compare with" in t2w("audit", str(run)).err
