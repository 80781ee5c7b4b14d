"""What pictures add to words: unlabelled, labelled and both, on folders of class folders, with the embedded generator.

    python benchmarks/photographs.py --photos ../shared/data/caltech-50.zip ../shared/data/cifar100-60.zip

All classes at once, accuracy in per cent on the pictures that are not labelled, means over 3 draws of the labelled
ones. Unlabelled pictures are the ones that are scored. Beside ours stand, from the labelled pictures alone, the nearest
class mean and a logistic regression, and Tip-Adapter (Zhang et al. 2022, alpha 1, beta 5.5) on our words, without
training and with (Tip-Adapter-F: the keys, 20 epochs of AdamW, learning rate 1e-3); no setting was chosen here.
`uneven`: classes of 25 down to 1 picture. `foreign`: 30 % pictures of other classes, half of the classes being the
task. With --json the figures go to a file too.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from common import machine, parser_of, run_on_device
from pictures import features_of
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from t2w import TextToWeights
from t2w.encoders import vision_encoder_from_dict
from t2w.errors import T2WWarning
from t2w.files import write_json
from t2w.photos import TaskPictures

SHOTS, DRAWS = (0, 1, 2, 4, 8, 16), 3
ALPHA, BETA, EPOCHS = 1.0, 5.5, 20


def accuracy(predicted: Tensor, y: Tensor) -> float:
    return 100 * float((predicted == y).float().mean())


def shots_of(y: Tensor) -> list[int]:
    """The numbers of labelled pictures per class that leave some of every class to score."""
    return [shots for shots in SHOTS if shots < int(y.bincount().min())]


def ours(writer: TextToWeights, names: Sequence[str], x: Tensor, labels: Tensor) -> Callable[[Tensor], Tensor]:
    """A classifier with these pictures as evidence, as a function of features."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", T2WWarning)  # of senses that pictures change
        seen = TaskPictures(x, tuple(labels.tolist()), ()) if len(x) else None
        made = writer.generate(names, photos=seen)
    return lambda features: made.classify_features(features).probabilities


def few_shot(
    writer: TextToWeights, names: Sequence[str], x: Tensor, y: Tensor, draws: int
) -> dict[str, dict[int, list[float]]]:
    """method -> shots -> accuracy of every draw."""
    found: dict[str, dict[int, list[float]]] = {}
    words = ours(writer, names, x[:0], y[:0])
    for shots in shots_of(y):
        for seed in range(draws):
            rng = torch.Generator().manual_seed(seed)
            order = torch.randperm(len(x), generator=rng)
            chosen = torch.cat([order[y[order] == k][:shots] for k in range(len(names))])
            free = torch.ones(len(x), dtype=torch.bool)
            free[chosen] = False
            labels = torch.where(free, -1, y)
            methods = {"words and unlabelled" if not shots else "all of them": ours(writer, names, x, labels)}
            if shots:
                methods["words and labelled"] = ours(writer, names, x[~free], y[~free])
                methods |= others(words, x[~free], y[~free], len(names))
            else:
                methods["words"] = words
            for name, method in methods.items():
                result = accuracy(method(x[free]).argmax(1), y[free])
                found.setdefault(name, {}).setdefault(shots, []).append(result)
            if not shots:
                break  # nothing is drawn
    return found


def others(words: Callable[[Tensor], Tensor], x: Tensor, y: Tensor, n: int) -> dict[str, Callable[[Tensor], Tensor]]:
    """What labelled pictures teach elsewhere."""
    mean = x.mean(0)
    unit = F.normalize(x - mean, dim=1)
    hot = F.one_hot(y, n).float()
    means = F.normalize(hot.T @ unit, dim=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of as many classes as pictures, where there is one of each
        probe = LogisticRegression(max_iter=500).fit((x / x.norm(dim=1).mean()).numpy(), y.numpy())

    def cache(features: Tensor, keys: Tensor = unit) -> Tensor:
        near = F.normalize(features - mean, dim=1) @ keys.T
        return words(features).log() + ALPHA * torch.exp(-BETA * (1 - near)) @ hot

    keys = tuned_keys(cache, x, y, unit)
    return {
        "nearest mean": lambda features: F.normalize(features - mean, dim=1) @ means.T,
        "logistic regression": lambda features: torch.from_numpy(
            probe.predict_proba((features / x.norm(dim=1).mean()).numpy())
        ),
        "Tip-Adapter": cache,
        "Tip-Adapter-F": lambda features: cache(features, keys),
    }


def tuned_keys(logits: Callable[[Tensor, Tensor], Tensor], x: Tensor, y: Tensor, keys: Tensor) -> Tensor:
    """The keys of Tip-Adapter-F, as its authors train them: epochs, rate and epsilon are theirs."""
    keys = keys.clone().requires_grad_()
    optimizer = torch.optim.AdamW([keys], lr=1e-3, eps=1e-4)
    rng, batches = torch.Generator().manual_seed(0), -(-len(x) // 256)
    decay = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS * batches)
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(x), generator=rng).split(256):
            loss = F.cross_entropy(logits(x[rows], keys), y[rows])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            decay.step()
    return keys.detach()


def unlabelled(
    writer: TextToWeights, names: Sequence[str], x: Tensor, y: Tensor, draws: int
) -> dict[str, dict[str, list[float]]]:
    """setting -> {"words": ..., "words and unlabelled": ...}, accuracies of every draw."""
    found: dict[str, dict[str, list[float]]] = {}
    n = len(names)
    for seed in range(draws):
        rng = torch.Generator().manual_seed(seed)
        order = torch.randperm(len(x), generator=rng)
        rank = torch.randperm(n, generator=rng)
        sizes = [max(1, round(25 * 20 ** -(rank[k].item() / (n - 1)))) for k in range(n)]
        uneven = torch.cat([order[y[order] == k][: sizes[k]] for k in range(n)])
        half = rank[: n // 2].sort().values
        inside = torch.isin(y, half)
        outside = order[~inside[order]][: int(inside.sum()) * 3 // 7]
        number = torch.full((n,), -1)
        number[half] = torch.arange(len(half))
        some = [names[k] for k in half.tolist()]
        both = torch.cat([inside.nonzero()[:, 0], outside])
        fewer = uneven[inside[uneven]]
        mixed = torch.cat([fewer, outside[: len(fewer) * 3 // 7]])
        few = torch.cat([order[y[order] == k][:2] for k in range(n)])
        for setting, (task, index, truth) in {
            "uneven": (names, uneven, y[uneven]),
            "half of the classes": (some, inside.nonzero()[:, 0], number[y[inside]]),
            "half, 30 % foreign": (some, both, number[y[both]]),
            "half, uneven, 30 % foreign": (some, mixed, number[y[mixed]]),
            "half, only foreign": (some, (~inside).nonzero()[:, 0], number[y[~inside]]),
            "2 pictures a class": (names, few, y[few]),
        }.items():
            # Where all are foreign, what counts is what became of pictures that are of the task.
            scored = (inside.nonzero()[:, 0], number[y[inside]]) if bool((truth < 0).all()) else (index, truth)
            known = scored[1] >= 0
            for method, seen in (("words", index[:0]), ("words and unlabelled", index)):
                answer = ours(writer, task, x[seen], torch.full((len(seen),), -1))(x[scored[0]]).argmax(1)
                result = accuracy(answer[known], scored[1][known])
                found.setdefault(setting, {}).setdefault(method, []).append(result)
    return found


def compare(args: argparse.Namespace, device: torch.device) -> None:
    writer = TextToWeights.from_pretrained(args.generator, device=str(device))
    encoder = vision_encoder_from_dict(writer.generator.provenance["vision"], device=device)
    results: dict[str, object] = {}
    for path in map(Path, args.photos):
        features = features_of(path, encoder)
        x, y, names = features.dense().float(), features.labels, features.class_names
        table = few_shot(writer, names, x, y, args.draws)
        settings = unlabelled(writer, names, x, y, args.draws)
        results[path.stem] = {"labelled": table, "unlabelled": settings}
        print(f"{path.stem}: {len(x):,} pictures of {len(names)} classes")
        print(f"  {'labelled pictures per class':28}" + "".join(f"{shots:7}" for shots in shots_of(y)))
        for method, row in sorted(table.items(), key=lambda pair: np.mean(pair[1].get(1, [0]))):
            print(f"  {method:28}" + "".join(f"{np.mean(row[s]):7.1f}" if s in row else " " * 7 for s in shots_of(y)))
        for setting, rows in settings.items():
            print(f"  {setting:28}" + ", ".join(f"{method} {np.mean(values):.1f}" for method, values in rows.items()))
    print(machine(device))
    if args.json:
        write_json(Path(args.json), results)


def main() -> int:
    parser = parser_of(__doc__)
    parser.add_argument("--photos", nargs="+", required=True, metavar="PATH", help="folders or zips of class folders")
    parser.add_argument("--generator", default="embedded")
    parser.add_argument("--draws", type=int, default=DRAWS, help="of the pictures that are labelled")
    parser.add_argument("--json", metavar="FILE", help="where the figures go too")
    args = parser.parse_args()
    return run_on_device(args.device, lambda device: compare(args, device))


if __name__ == "__main__":
    raise SystemExit(main())
