"""What the benchmarks of photographs share: JPEG files they make themselves, and the encoder they use."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from t2w.encoders import VisionEncoder, load_vision_encoder
from t2w.errors import T2WError
from t2w.files import save_tensors

CLASSES = ("cat", "school bus", "pizza", "banana", "lemon", "umbrella", "tractor", "sandal", "teapot", "violin")


def make_jpegs(folder: Path, count: int, side: int) -> list[Path]:
    """Square JPEGs, as smooth and as noisy as photographs are, spread over one folder per class."""
    rng = np.random.default_rng(0)
    paths = []
    for i in range(count):
        coarse = Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)).resize((side, side), 3)
        pixels = np.asarray(coarse, dtype=np.int16) + rng.integers(-12, 13, (side, side, 3), dtype=np.int16)
        path = folder / CLASSES[i % len(CLASSES)] / f"{i:06}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path, quality=90)
        paths.append(path)
    return paths


def encoder_of(name: str, device: torch.device, folder: Path) -> VisionEncoder:
    """An encoder by name, loaded and warm.

    The embedded one has random weights where the package does not hold it: the same network takes the same time.
    """
    if name != "embedded":
        return load_vision_encoder(name, device=device)
    from t2w.encoders.embedded import FORMAT, VERSION, EmbeddedEncoder
    from t2w.encoders.embedded_net import WIDTHS, EmbeddedNet

    try:
        return EmbeddedEncoder.load(device=device)
    except T2WError as error:
        print(f"the embedded network with random weights ({error.found})")
    path, depths = folder / "random.safetensors", (1, 1, 1)
    state = EmbeddedNet(WIDTHS, depths, folded=True).state_dict()
    recipe = {"widths": list(WIDTHS), "depths": list(depths)}
    save_tensors(path, state, {"format": FORMAT, "version": VERSION, "recipe": recipe})
    return EmbeddedEncoder(path, device=device)
