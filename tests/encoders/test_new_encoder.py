"""A new packaged vision encoder is one file (colours.py), one line in a table, and one yaml."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from colours import ColoursEncoder

import t2w
from t2w.datasets import ImageSet
from t2w.encoders import VisionEncoder, load_vision_encoder, vision_encoder_from_dict
from t2w.encoders.packaged import PackagedFile
from t2w.encoders.registry import PACKAGED
from t2w.errors import T2WError
from t2w.features import extract
from t2w.files import sha256_of
from t2w.inspection.heat import check_maps


@pytest.fixture
def tensors() -> dict[str, torch.Tensor]:
    rng = torch.Generator().manual_seed(0)
    return {"mixtures": torch.randn(4, 3, generator=rng), "rows": torch.randn(3, 4, generator=rng)}


@pytest.fixture
def published(tensors: dict[str, torch.Tensor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The encoder's weights in an installed package, and its line in the table."""
    (tmp_path / "colours_weights").mkdir()
    path = tmp_path / "colours_weights" / "colours.pth"
    torch.save(tensors, path)
    monkeypatch.syspath_prepend(str(tmp_path))
    file = PackagedFile("colours_weights", "colours.pth", sha256_of(path), requirement="colours-weights==1.0")
    monkeypatch.setattr(ColoursEncoder, "weights", file, raising=False)
    monkeypatch.setitem(PACKAGED, "colours", "colours:ColoursEncoder")


@pytest.mark.usefixtures("published")
def test_it_does_what_the_others_do(tensors: dict[str, torch.Tensor]) -> None:
    encoder = load_vision_encoder("colours")
    assert isinstance(encoder, VisionEncoder)
    images = np.random.default_rng(0).integers(0, 256, (5, 9, 12, 3), dtype=np.uint8)
    features = encoder.encode(images)
    batch = torch.stack([encoder.prepare(image) for image in images])
    torch.testing.assert_close(features, batch.mean(dim=(2, 3)) @ tensors["mixtures"].T)
    assert not features.is_inference()
    assert tuple(encoder.encode([]).shape) == (0, 4)

    data = ImageSet(images, np.arange(5) % 2, ("sea", "lawn"), "train", "made up", "-", "-")
    assert extract(encoder, data).encoder == encoder.identity
    head = encoder.head()  # type: ignore[attr-defined]
    assert (head.named().labels, tuple((features @ head.weight.T + head.bias).shape)) == (head.labels, (5, 3))
    torch.testing.assert_close(check_maps(encoder).maps(batch).mean(dim=(2, 3)), features)


@pytest.mark.usefixtures("published")
def test_it_is_known_by_name_and_recorded() -> None:
    values = load_vision_encoder("colours").to_dict()
    assert vision_encoder_from_dict(json.loads(json.dumps(values))).to_dict() == values
    with pytest.raises(T2WError, match=r"is colours@\w{16}; expected other@0, .*install the t2w that made the file"):
        vision_encoder_from_dict({**values, "identity": "other@0"})
    with pytest.raises(T2WError, match="did you mean 'colours'"):
        load_vision_encoder("colour")


def test_the_one_that_comes_with_t2w_is_no_more() -> None:
    source = Path(t2w.__file__).parent
    naming = {path.name for path in source.rglob("*.py") if "EfficientNetEncoder" in path.read_text(encoding="utf-8")}
    assert naming == {"efficientnet.py", "registry.py"}
