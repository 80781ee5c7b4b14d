"""One graph for many tests: making it takes seconds."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from export_world import TinyEncoder, on

from t2w import Classifier
from t2w.decision import Decision
from t2w.export.encoder import encoder_graph
from t2w.export.graph import network_graph


@pytest.fixture(scope="session")
def classifier() -> Classifier:
    return on(TinyEncoder(), rule=True)


@pytest.fixture(scope="session")
def network(classifier: Classifier) -> Any:
    """What `network_graph` makes of it: the call that takes long."""
    for package in ("onnx", "onnxruntime", "onnxscript"):
        pytest.importorskip(package)
    return network_graph(encoder_graph(classifier.encoder), Decision(classifier))


@pytest.fixture
def made_once(network: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exports of the classifier take the graph that was made already."""
    monkeypatch.setattr("t2w.export.onnx_file.network_graph", lambda *_: deepcopy(network))


@pytest.fixture(scope="session")
def onnx_path(classifier: Classifier, network: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its ONNX file."""
    path = tmp_path_factory.mktemp("export") / "mine.onnx"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("t2w.export.onnx_file.network_graph", lambda *_: deepcopy(network))
        classifier.export(path, to="onnx")
    return path
