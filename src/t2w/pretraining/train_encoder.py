"""Trains the embedded vision encoder: `python -m t2w.pretraining.train_encoder --zip FILE --teacher FILE -o FOLDER`.

A small residual network learns two things at once from random views of the training images: the features that a larger
network (the teacher) has of the same image, and the image's class. Only training images are used; the validation
images are scored once, at the end. Stopped, the same command goes on after the last finished epoch.
"""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any

import click
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from t2w.encoders.embedded_net import FEATURES, WIDTHS, EmbeddedNet, fold
from t2w.errors import T2WError, nearest
from t2w.files import fingerprint, load_tensors, save_tensors, write_json
from t2w.pretraining.encoder_data import Views, load_pixels, standardised, teacher_of
from t2w.pretraining.probe import probe_accuracy
from t2w.progress import progress
from t2w.seeds import derive_seed

__all__ = ["Recipe", "train"]

log = logging.getLogger("t2w")


@dataclass(frozen=True)
class Recipe:
    """How the encoder is trained.

    Attributes:
        epochs: passes over the training images.
        batch_size: images per step.
        learning_rate: the highest of one cycle (up for a tenth of the steps, then down to 0; AdamW).
        weight_decay: on everything.
        teaching: weight of the squared distance to the teacher's features beside the cross-entropy of the classes.
        smoothing: label smoothing of that cross-entropy.
        shift, light, erase: of the views.
        widths, depths: of the network.
        seed: of initial weights, order and views.
    """

    epochs: int = 16
    batch_size: int = 128
    learning_rate: float = 3e-3
    weight_decay: float = 0.05
    teaching: float = 4.0
    smoothing: float = 0.1
    shift: int = 6
    light: float = 0.3
    erase: int = 0
    widths: tuple[int, ...] = WIDTHS
    depths: tuple[int, ...] = (1, 1, 1)
    seed: int = 0


class Student(nn.Module):
    """The encoder, and the linear head on its features that is thrown away afterwards."""

    def __init__(self, recipe: Recipe, n_classes: int) -> None:
        super().__init__()
        self.encoder = EmbeddedNet(recipe.widths, recipe.depths).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.head = nn.Linear(FEATURES, n_classes)

    def loss(self, x: Tensor, teacher: Tensor, y: Tensor, recipe: Recipe) -> Tensor:
        z = self.encoder(x)
        classes = F.cross_entropy(self.head(z), y, label_smoothing=recipe.smoothing)
        return classes + recipe.teaching * F.mse_loss(z, teacher)


def train(
    recipe: Recipe, pixels: Tensor, labels: Tensor, teacher: Tensor, rows: Tensor, folder: Path
) -> tuple[dict[str, Tensor], float]:
    """The state of the trained network, batch normalisation included, and the seconds it took, resumptions included.

    Args:
        pixels: (N, 64, 64, 3) uint8.
        labels: (N,) int64.
        teacher: (N, 512) features to come near to.
        rows: the images to train on.
        folder: where the state after every epoch is kept, and taken up again.
    """
    torch.manual_seed(derive_seed(recipe.seed, "encoder"))
    student = Student(recipe, int(labels.max()) + 1)
    optimizer = torch.optim.AdamW(
        student.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay, fused=True
    )
    per_epoch = len(rows) // recipe.batch_size
    rates = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, recipe.learning_rate, total_steps=recipe.epochs * per_epoch, pct_start=0.1, div_factor=10
    )
    views = Views(recipe.shift, recipe.light, recipe.erase)
    key = fingerprint([asdict(recipe), len(rows)])
    done, seconds = _take_up(folder / "state.safetensors", key, student, optimizer, rates)
    began = perf_counter() - seconds
    for epoch in range(done, recipe.epochs):
        rng = torch.Generator().manual_seed(derive_seed(recipe.seed, "epoch", epoch))
        order = rows[torch.randperm(len(rows), generator=rng)]
        student.train()
        with progress(f"epoch {epoch + 1} of {recipe.epochs}", total=per_epoch, unit="step") as bar:
            for step in range(per_epoch):
                batch = order[step * recipe.batch_size : (step + 1) * recipe.batch_size]
                loss = student.loss(views(pixels, batch, rng), teacher[batch], labels[batch], recipe)
                optimizer.zero_grad(set_to_none=True)
                loss.backward()
                optimizer.step()
                rates.step()
                bar.update(loss=float(loss.detach()))
        seconds = perf_counter() - began
        _put_by(folder / "state.safetensors", key, epoch + 1, seconds, student, optimizer, rates)
        log.info("epoch %d of %d: loss of the last batch %.3f", epoch + 1, recipe.epochs, float(loss.detach()))
    return student.encoder.state_dict(), seconds


def _put_by(path: Path, key: str, epochs: int, seconds: float, student: Student, optimizer: Any, rates: Any) -> None:
    tensors = {f"student.{name}": value.contiguous() for name, value in student.state_dict().items()}
    for index, state in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{name}": value.contiguous() for name, value in state.items()}
    groups = optimizer.state_dict()["param_groups"]
    metadata = {"key": key, "epochs": epochs, "seconds": seconds, "groups": groups, "rates": rates.state_dict()}
    save_tensors(path, tensors, metadata)


def _take_up(path: Path, key: str, student: Student, optimizer: Any, rates: Any) -> tuple[int, float]:
    """How many epochs are done already, and in how many seconds; their state is loaded."""
    if not path.exists():
        return 0, 0.0
    tensors, metadata = load_tensors(path, what="a training state of the embedded encoder")
    if metadata.get("key") != key:
        raise T2WError(f"{path} belongs to another recipe", fix="choose another folder, or remove it")
    student.load_state_dict({n.removeprefix("student."): v for n, v in tensors.items() if n.startswith("student.")})
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        if name.startswith("optimizer."):
            _, index, what = name.split(".")
            # In the order of the weights they belong to: the fused optimiser goes through memory, not through indices.
            of_kernel = value.ndim == 4
            state.setdefault(int(index), {})[what] = (
                value.contiguous(memory_format=torch.channels_last) if of_kernel else value
            )
    optimizer.load_state_dict({"state": state, "param_groups": metadata["groups"]})
    rates.load_state_dict(metadata["rates"])
    return int(metadata["epochs"]), float(metadata["seconds"])


@torch.inference_mode()
def encode(network: nn.Module, pixels: Tensor, *, batch_size: int = 256) -> Tensor:
    """(N, 512) features of whole images."""
    network.eval()
    return torch.cat([network(standardised(part)) for part in pixels.split(batch_size)])


@click.command()
@click.option("--zip", "archive", required=True, help="tiny-imagenet-200.zip")
@click.option("--teacher", required=True, help="Features of the same training images, one file.")
@click.option("-o", "--output", required=True, help="Folder for the training state and the encoder.")
@click.option("--choose", is_flag=True, help="Hold a tenth of the training images out and score on those alone.")
@click.option("--set", "changes", multiple=True, metavar="KEY=VALUE", help="A field of the recipe.")
def main(archive: str, teacher: str, output: str, choose: bool, changes: tuple[str, ...]) -> None:
    """Train the embedded vision encoder on the training images of Tiny-ImageNet-200."""
    from t2w.adapters.holdout import class_rows
    from t2w.datasets import load_dataset
    from t2w.features import load_features
    from t2w.runs.logs import log_to_terminal

    log_to_terminal()
    recipe = _changed(Recipe(), changes)
    images, test_images = load_dataset("tiny_imagenet", path=archive)
    features = load_features(teacher)[0]
    target, pixels = teacher_of(features, images), load_pixels(images)
    labels = torch.as_tensor(images.labels)
    rows = class_rows(features, validation_fraction=0.1)
    kept, held = torch.cat(rows.train), torch.cat(rows.held_out)

    folder = Path(output)
    state, seconds = train(recipe, pixels, labels, target, kept if choose else torch.arange(len(images)), folder)
    weights = {name: value.half() for name, value in fold(state).items()}
    network = EmbeddedNet(recipe.widths, recipe.depths, folded=True)
    network.load_state_dict({name: value.float() for name, value in weights.items()})

    known = encode(network, pixels)
    held_part, kept_part = (known[held], labels[held]), (known[kept], labels[kept])
    figures: dict[str, Any] = {
        "recipe": asdict(recipe),
        "minutes": round(seconds / 60, 1),
        "threads": torch.get_num_threads(),
    }
    figures["parameters"] = sum(value.numel() for value in weights.values())
    if choose:
        figures["probe_held_out"] = probe_accuracy(kept_part, held_part, held_part)[0]
    else:
        test = (encode(network, load_pixels(test_images)), torch.as_tensor(test_images.labels))
        figures["probe_test"] = probe_accuracy(kept_part, held_part, test)[1]
        save_tensors(
            folder / "encoder.safetensors", weights, {"format": "t2w-embedded-encoder", "version": 1} | figures
        )
    write_json(folder / "encoder.json", figures)
    for name, value in figures.items():
        click.echo(f"{name}: {value}")


def _changed(recipe: Recipe, changes: tuple[str, ...]) -> Recipe:
    values: dict[str, Any] = {}
    for change in changes:
        key, _, text = change.partition("=")
        if key not in asdict(recipe):
            raise T2WError(f"the recipe has no {key!r}{nearest(key, asdict(recipe))}", fix="--set epochs=30")
        now = getattr(recipe, key)
        values[key] = tuple(map(int, text.split(","))) if isinstance(now, tuple) else type(now)(text)
    return replace(recipe, **values)


if __name__ == "__main__":
    main()
