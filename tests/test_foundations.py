"""Errors, seeds, devices and progress."""

from __future__ import annotations

import logging
import pickle

import pytest

from t2w import progress as progress_module
from t2w.devices import resolve_device
from t2w.errors import T2WError, nearest
from t2w.progress import progress
from t2w.seeds import derive_seed


def test_an_error_is_one_sentence_and_survives_a_process_boundary() -> None:
    error = T2WError("found 1", expected="2", fix="add one")
    assert str(error) == "found 1; expected 2; add one"
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_nearest_guesses_or_keeps_quiet() -> None:
    assert nearest("sevn", ["six", "seven"]) == " (did you mean 'seven'?)"
    assert nearest("xyz", ["six", "seven"]) == ""


def test_seeds_differ_by_purpose() -> None:
    assert derive_seed(0, "a", 1) == derive_seed(0, "a", 1)
    seeds = {derive_seed(s, what, i) for s in range(5) for what in "ab" for i in range(50)}
    assert len(seeds) == 500
    assert all(0 <= seed < 2**63 for seed in seeds)


@pytest.mark.parametrize("name", ["toaster", "cpu:3", "cuda:99", "xpu"])
def test_unknown_devices_are_refused(name: str) -> None:
    with pytest.raises(T2WError, match="device"):
        resolve_device(name)


def test_plain_lines_without_a_terminal(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(progress_module, "_QUIET_SECONDS", 0.0)
    monkeypatch.setattr(progress_module, "_LINE_SECONDS", 0.0)
    monkeypatch.setattr(logging.getLogger("t2w"), "propagate", True)
    with caplog.at_level(logging.INFO, logger="t2w"), progress("work", total=4, unit="piece", initial=1) as bar:
        bar.update(2, loss=0.5)
    assert caplog.messages[0].startswith("work: 3/4, ")
    assert "piece/s" in caplog.messages[0]
    assert "left" in caplog.messages[0]
    assert caplog.messages[0].endswith("loss 0.5")
