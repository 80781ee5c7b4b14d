"""Image models from their folders: the features that transformers gives, and refusals."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from t2w.encoders import VisionEncoder, load_vision_encoder, vision_encoder_from_dict
from t2w.encoders.loading import weights_hash
from t2w.errors import T2WError

Models = Callable[[str], Path]
Photo = Callable[[int, int], np.ndarray]

transformers = pytest.importorskip("transformers")


def _expected(kind: str, folder: Path, pixels: torch.Tensor) -> torch.Tensor:
    """As the papers' own code takes them."""
    with torch.no_grad():
        if kind == "clip":
            model = transformers.CLIPModel.from_pretrained(folder)
            return model.visual_projection(model.vision_model(pixels).pooler_output)
        if kind == "vit_classifier":
            model = transformers.ViTForImageClassification.from_pretrained(folder)
            return model.vit(pixels).last_hidden_state[:, 0]
        hidden = transformers.AutoModel.from_pretrained(folder)(pixels)
        if kind == "resnet":
            return hidden.last_hidden_state.mean(dim=(2, 3))
        if kind == "dinov2":
            return hidden.last_hidden_state[:, 0]
        return hidden.pooler_output


@pytest.mark.parametrize(
    ("kind", "dim"),
    [("resnet", 24), ("clip", 12), ("dinov2", 16), ("convnext", 20), ("vit", 16), ("vit_classifier", 16)],
)
def test_features_are_the_models_pooled_ones(kind: str, dim: int, models: Models, photo: Photo) -> None:
    folder = models(kind)
    encoder = load_vision_encoder(folder)
    assert isinstance(encoder, VisionEncoder)
    images = [photo(40, 57), photo(80, 41), photo(33, 33)[..., 0]]
    batch = torch.stack([encoder.prepare(image) for image in images])
    features = encoder.encode(images)
    assert features.dtype == torch.float32
    assert tuple(features.shape) == (3, encoder.dim) == (3, dim)
    assert torch.allclose(features, encoder.embed(batch), atol=1e-6)
    assert torch.allclose(features, _expected(kind, folder, batch), atol=1e-5)
    assert features.std(dim=0).max().item() > 1e-4  # the images matter
    assert tuple(encoder.encode([]).shape) == (0, dim)
    assert not features.is_inference()


def test_identity_is_that_of_the_weights_wherever_they_lie(models: Models, tmp_path: Path) -> None:
    folder = models("resnet")
    encoder = load_vision_encoder(folder)
    assert encoder.identity == f"resnet@{weights_hash(folder)}"
    elsewhere = shutil.copytree(folder, tmp_path / "other-name")
    assert load_vision_encoder(elsewhere).identity == encoder.identity
    assert load_vision_encoder(elsewhere).preprocessing == encoder.preprocessing
    values = encoder.to_dict()
    assert values["kind"] == "huggingface"
    assert (values["name"], values["revision"]) == (str(folder), None)
    # What was recorded is found again, also after JSON, also elsewhere.
    stored = json.loads(json.dumps(values))
    assert vision_encoder_from_dict(stored).to_dict() == values
    assert vision_encoder_from_dict(stored, source=elsewhere).identity == encoder.identity


def test_another_encoder_than_the_stored_one_is_refused(models: Models, tmp_path: Path) -> None:
    stored = load_vision_encoder(models("resnet")).to_dict()
    with pytest.raises(T2WError, match=r"convnext is convnext@.*; expected resnet@.*; get .*tiny-resnet, or make the"):
        vision_encoder_from_dict(stored, source=models("convnext"))
    changed = shutil.copytree(models("resnet"), tmp_path / "changed")
    values = json.loads((changed / "preprocessor_config.json").read_text())
    (changed / "preprocessor_config.json").write_text(json.dumps({**values, "crop_pct": 0.95}))
    with pytest.raises(T2WError, match=r"changed prepares images by [0-9a-f]{16}; expected [0-9a-f]{16}, as"):
        vision_encoder_from_dict(stored, source=changed)
    with pytest.raises(T2WError, match=r"the vision encoder /no/where \(resnet@.*\) is missing: there is no vision"):
        vision_encoder_from_dict({**stored, "name": "/no/where"})
    with pytest.raises(T2WError, match="of the kind 'sound', unknown here"):
        vision_encoder_from_dict({"kind": "sound"})


def test_weights_in_parts(models: Models, tmp_path: Path, photo: Photo) -> None:
    parts = tmp_path / "parts"
    transformers.AutoModelForImageClassification.from_pretrained(models("resnet")).save_pretrained(
        parts, max_shard_size="3KB"
    )
    shutil.copy(models("resnet") / "preprocessor_config.json", parts)
    assert not (parts / "model.safetensors").exists()
    image = [photo(40, 40)]
    assert torch.equal(load_vision_encoder(parts).encode(image), load_vision_encoder(models("resnet")).encode(image))
    one = sorted(parts.glob("model-*.safetensors"))[0]
    one.unlink()
    with pytest.raises(T2WError, match=rf"lists {one.name}, which is not there"):
        load_vision_encoder(parts)


def test_a_pickle_is_never_read(models: Models, tmp_path: Path) -> None:
    folder = shutil.copytree(models("resnet"), tmp_path / "pickled")
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(b"cos\nsystem\n(S'touch " + str(tmp_path / "ran").encode() + b"'\ntR.")
    with pytest.raises(T2WError, match=r"as a pickle \(pytorch_model\.bin\).*expected model\.safetensors"):
        load_vision_encoder(folder)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("change", ["absent", "size"])
def test_weights_that_do_not_fit_are_not_made_up(change: str, models: Models, tmp_path: Path, photo: Photo) -> None:
    from safetensors.torch import load_file, save_file

    folder = shutil.copytree(models("dinov2"), tmp_path / "holes")
    tensors = load_file(folder / "model.safetensors")
    name = next(name for name in tensors if name.endswith("layernorm.weight"))
    if change == "absent":
        del tensors[name]
    else:
        tensors[name] = torch.ones(3)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(T2WError, match=r"the weights in .* lack .*layernorm\.weight.*config\.json describes"):
        load_vision_encoder(folder).encode([photo(30, 30)])


@pytest.mark.parametrize("damage", ["cut", "empty", "config", "text"])
def test_damaged_folders_answer_in_a_sentence(damage: str, models: Models, tmp_path: Path, photo: Photo) -> None:
    folder = shutil.copytree(models("vit"), tmp_path / "damaged")
    weights, config = folder / "model.safetensors", folder / "config.json"
    if damage == "cut":
        weights.write_bytes(weights.read_bytes()[:-100])
    elif damage == "empty":
        weights.write_bytes(b"")
    elif damage == "config":
        config.write_text("{}")
    else:
        config.write_text(json.dumps({"model_type": "bert", "hidden_size": 16, "num_attention_heads": 2}))
    with pytest.raises(T2WError, match=r"vision encoder in .* cannot be loaded|lack") as caught:
        load_vision_encoder(folder).encode([photo(30, 30)])
    assert "\n" not in str(caught.value)


def test_names_that_are_nothing() -> None:
    with pytest.raises(T2WError, match=r"no vision encoder 'resnet8' \(did you mean 'resnet18'\?\).*efficientnet"):
        load_vision_encoder("resnet8")
    with pytest.raises(T2WError, match="there is no vision encoder folder /no/where"):
        load_vision_encoder("/no/where")


def test_a_revision_is_of_the_hub(models: Models) -> None:
    with pytest.raises(T2WError, match=r"revision abc of the folder .*; expected a revision of a model on the hub"):
        load_vision_encoder(models("vit"), revision="abc")


def test_without_transformers(models: Models, photo: Photo, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = models("vit")
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(T2WError, match=r'needs transformers, .*; install it: pip install "t2w\[text\]"'):
        load_vision_encoder(folder).encode([photo(30, 30)])


def test_identity_needs_no_heavy_import(models: Models) -> None:
    script = (
        "import sys; from t2w.encoders import load_vision_encoder; "
        f"load_vision_encoder({str(models('vit'))!r}).to_dict(); "
        "print([m for m in ('torch', 'transformers', 'huggingface_hub', 'PIL') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
