"""Which pixels speak for a class: Grad-CAM (Selvaraju et al. 2017, arXiv 1610.02391).

The features of an image are the mean over places p of the encoder's last maps A_cp. With the score s_k of class k,
place p says

    heat_k(p) = sum_c  (d s_k / d feature_c)  A_cp

for it, and the mean of that over the places is <gradient, features>: for a linear classifier the score without its
bias. The gradient with respect to A is that of the features over the number of places, the same at every place, so
nothing has to go back through the encoder. The package grad-cam wants torchvision and OpenCV, for more than this needs.

The scores are the logits with the length of the adapter's output held fixed: all classes share it, and with it let free
the places of any class, however unlikely, would say about as much against it as for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from t2w.adapters.adapter import Adapter, scaled_cosine
from t2w.classifier import Classifier
from t2w.encoders import VisionEncoder
from t2w.errors import T2WError
from t2w.images import read_image

__all__ = ["ClassHeat", "PhotoHeat", "check_maps", "class_maps", "photo_heat"]

_SHOWN = 2  # the predicted class and the runner-up


@dataclass(frozen=True, eq=False)
class ClassHeat:
    """One class on one photograph.

    Attributes:
        name: of the class.
        probability: that the classifier gives it, 0..1.
        logit: mean over the samples.
        heat: (h, w) what each place says for it (above 0) or against it, in units of the logit.
    """

    name: str
    probability: float
    logit: float
    heat: np.ndarray


@dataclass(frozen=True, eq=False)
class PhotoHeat:
    """One photograph.

    Attributes:
        path: its file.
        pixels: (H, W, 3) uint8, what the encoder saw of it.
        classes: of the classifier.
        logits: (n,) mean over the samples.
        probabilities: (n,).
        shown: the predicted class and the runner-up.
    """

    path: Path
    pixels: np.ndarray
    classes: tuple[str, ...]
    logits: tuple[float, ...]
    probabilities: tuple[float, ...]
    shown: tuple[ClassHeat, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values; maps are rounded to three decimals."""
        return {
            "photo": self.path.name,
            "classes": list(self.classes),
            "logits": [round(value, 4) for value in self.logits],
            "probabilities": [round(value, 6) for value in self.probabilities],
            "shown": [
                {"class": one.name, "probability": round(one.probability, 6), "heat": np.round(one.heat, 3).tolist()}
                for one in self.shown
            ],
        }


def class_maps(maps: Tensor, scores: Callable[[Tensor], Tensor], classes: Sequence[int]) -> Tensor:
    """(m, h, w) what each place says for each of m classes.

    Args:
        maps: (d, h, w) the encoder's last maps of one image; its features are their mean over places.
        scores: features (1, d) to scores (1, n), differentiable.
        classes: m positions among the n.
    """
    with torch.enable_grad():
        features = maps.detach().mean(dim=(1, 2)).requires_grad_()
        found = scores(features[None])[0]
        gradients = [torch.autograd.grad(found[k], features, retain_graph=True)[0] for k in classes]
    return torch.einsum("md,dhw->mhw", torch.stack(gradients), maps.detach())


def photo_heat(classifier: Classifier, encoder: VisionEncoder, paths: Sequence[str | Path]) -> Iterator[PhotoHeat]:
    """Look at photographs one by one.

    Args:
        encoder: the one the classifier was made for.

    Raises:
        T2WError: no image, or an encoder without maps, see `check_maps`.
    """
    network = check_maps(encoder)
    adapters = [Adapter.from_vector(classifier.spec, one).requires_grad_(False) for one in classifier.weights]

    def scores(x: Tensor) -> Tensor:
        return torch.stack([_logits(adapter, x, classifier.text) for adapter in adapters]).mean(0)

    for path in map(Path, paths):
        prepared = encoder.prepare(read_image(path, min_side=encoder.min_side))
        with torch.no_grad():
            maps = network.maps(prepared[None].to(getattr(encoder, "device", "cpu")))[0].float().cpu()
        features = maps.mean(dim=(1, 2))[None]
        probabilities = classifier.classify_features(features).probabilities[0]
        logits = scores(features)[0]
        best = probabilities.topk(min(_SHOWN, len(probabilities))).indices.tolist()
        heats = class_maps(maps, scores, best).numpy()
        shown = tuple(
            ClassHeat(classifier.classes[k], float(probabilities[k]), float(logits[k]), heat)
            for k, heat in zip(best, heats, strict=True)
        )
        yield PhotoHeat(
            path, _as_seen(encoder, prepared), classifier.classes, tuple(logits.tolist()),
            tuple(probabilities.tolist()), shown,
        )  # fmt: skip


def check_maps(encoder: VisionEncoder) -> Any:
    """The encoder's network, whose `maps(x)` is (B, d, h, w) and whose features are the mean of that over places.

    Raises:
        T2WError: an encoder of another kind.
    """
    network = getattr(encoder, "network", None)
    if not hasattr(network, "maps"):
        raise T2WError(
            f"{encoder.identity} does not show its last maps, so that nobody can say which pixels speak for a class",
            expected="a classifier made for efficientnet-lite0",
        )
    return network


def _logits(adapter: Adapter, x: Tensor, text: Tensor) -> Tensor:
    """As `Adapter.logits`, but that the gradient does not see the output's length."""
    output = adapter.linear2(F.gelu(adapter.linear1(x)))
    unit = output / output.detach().norm(dim=-1, keepdim=True).clamp(min=1e-12)
    return scaled_cosine(unit, text, adapter.spec.logit_scale)


def _as_seen(encoder: VisionEncoder, prepared: Tensor) -> np.ndarray:
    """(H, W, 3) uint8: the pixels that were cut out, from the numbers the network takes, which are linear in them."""
    black, white = (encoder.prepare(np.full((32, 32, 3), v, dtype=np.uint8)).mean(dim=(1, 2)) for v in (0, 255))
    share = (prepared - black[:, None, None]) / (white - black)[:, None, None]
    return (255 * share).round().clamp(0, 255).byte().permute(1, 2, 0).numpy()
