"""Features kept between calls: found again, gone on with, never trusted blindly."""

from __future__ import annotations

import logging
from importlib import import_module
from pathlib import Path

import pytest
import torch
from counting_encoder import CountingEncoder, SwitchedOff, dots

from t2w.features import extract

IMAGES = dots()


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_module("t2w.features.extract"), "_PART", 20)


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_second_call_reads_what_the_first_wrote(tmp_path: Path) -> None:
    first = extract(CountingEncoder(), IMAGES, cache=tmp_path)
    encoder = CountingEncoder()
    again = extract(encoder, IMAGES, cache=tmp_path)
    assert encoder.prepared == 0
    assert torch.equal(first.features, again.features)
    assert torch.equal(first.features, extract(CountingEncoder(), IMAGES).features)
    assert len(files(tmp_path)) == 1  # no part is left


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="Linux says what is mapped")
def test_what_the_cache_has_is_mapped_not_held(tmp_path: Path) -> None:
    features = extract(CountingEncoder(), IMAGES, cache=tmp_path).features
    (path,) = tmp_path.glob("*.safetensors")
    assert str(path) in Path("/proc/self/maps").read_text()
    assert features.shape == (len(IMAGES), 5)


def test_images_encoder_and_preprocessing_each_have_their_own_file(tmp_path: Path) -> None:
    extract(CountingEncoder(), IMAGES, cache=tmp_path)
    for encoder, images in (
        (CountingEncoder(identity="counting@2"), IMAGES),
        (CountingEncoder(preprocessing="thirds"), IMAGES),
        (CountingEncoder(), dots(seed=1)),
    ):
        n = len(files(tmp_path))
        extract(encoder, images, cache=tmp_path)
        assert encoder.prepared == len(images)
        assert len(files(tmp_path)) == n + 1


def test_a_stopped_extraction_goes_on_to_the_same_bits(tmp_path: Path) -> None:
    with pytest.raises(SwitchedOff):
        extract(CountingEncoder(breaks_after=45), IMAGES, batch_size=5, cache=tmp_path)
    assert len(files(tmp_path)) == 2  # of 45 images, two parts of 20
    encoder = CountingEncoder()
    resumed = extract(encoder, IMAGES, batch_size=5, cache=tmp_path)
    assert encoder.prepared == 30
    assert torch.equal(resumed.features, extract(CountingEncoder(), IMAGES, batch_size=5).features)
    assert len(files(tmp_path)) == 1


def test_parts_of_other_batches_are_not_mixed_in(tmp_path: Path) -> None:
    with pytest.raises(SwitchedOff):
        extract(CountingEncoder(breaks_after=45), IMAGES, batch_size=5, cache=tmp_path)
    encoder = CountingEncoder()
    resumed = extract(encoder, IMAGES, batch_size=4, cache=tmp_path)
    assert encoder.prepared == len(IMAGES)  # another batch size rounds sums in another way
    assert torch.equal(resumed.features, extract(CountingEncoder(), IMAGES, batch_size=4).features)


@pytest.mark.parametrize("how", ["truncated", "altered", "swapped"])
def test_a_damaged_file_is_named_set_aside_and_made_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(logging.getLogger("t2w"), "propagate", True)
    first = extract(CountingEncoder(), IMAGES, cache=tmp_path).features.clone()  # those of the file are mapped
    (path,) = tmp_path.glob("*.safetensors")
    content = bytearray(path.read_bytes())
    if how == "swapped":
        extract(CountingEncoder(identity="counting@2"), IMAGES, cache=tmp_path)
        (other,) = (file for file in tmp_path.glob("*.safetensors") if file != path)
        content = bytearray(other.read_bytes())
    elif how == "altered":
        content[-5] ^= 1
    else:
        del content[-8:]
    path.write_bytes(content)
    again = extract(CountingEncoder(), IMAGES, cache=tmp_path)
    assert torch.equal(first, again.features)
    assert path.name in caplog.text
    assert f"set aside as {path.name}.damaged" in caplog.text
    assert (tmp_path / f"{path.name}.damaged").read_bytes() == bytes(content)


def test_a_damaged_part_is_made_again(tmp_path: Path) -> None:
    with pytest.raises(SwitchedOff):
        extract(CountingEncoder(breaks_after=45), IMAGES, batch_size=5, cache=tmp_path)
    part = min(tmp_path.glob("*.parts/*.safetensors"))
    part.write_bytes(part.read_bytes()[:-1])
    encoder = CountingEncoder()
    resumed = extract(encoder, IMAGES, batch_size=5, cache=tmp_path)
    assert encoder.prepared == 50
    assert torch.equal(resumed.features, extract(CountingEncoder(), IMAGES, batch_size=5).features)
