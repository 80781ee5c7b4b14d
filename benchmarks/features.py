"""Feature extraction against the bare forward pass of the same encoder, alternating in one run.

    python benchmarks/features.py                                            # on JPEGs it makes
    python benchmarks/features.py --zip ../shared/data/tiny-imagenet-200.zip  # on real ones, out of the archive
    python benchmarks/features.py --encoder microsoft/resnet-18 --side 320 --images 512

The bare rate is of prepared images in memory, batch by batch; extraction also reads, decodes and prepares them. The
last line is the ratio of the two rates: 1 when nothing but the network costs time, 0.85 is asked for.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from statistics import median

import torch
from common import describe_peak, machine, parser_of, peak_gib, run_on_device, seconds_of
from pictures import make_jpegs

from t2w.datasets import ImageSet, load_dataset
from t2w.encoders import VisionEncoder, load_vision_encoder
from t2w.features import extract
from t2w.features.batches import prepared_batches, usable_cores


def images_of(args: argparse.Namespace, folder: Path) -> ImageSet:
    if args.zip:
        images = load_dataset("tiny_imagenet", path=args.zip)[1]
    else:
        make_jpegs(folder / "train", args.images, args.side)
        make_jpegs(folder / "test", 10, args.side)
        images = load_dataset("folder", path=folder)[0]
    return replace(images, images=images.images[: args.images], labels=images.labels[: args.images])


def prepared(encoder: VisionEncoder, images: ImageSet, batch_size: int) -> list[torch.Tensor]:
    batches = prepared_batches(images.images, encoder.prepare, batch_size=batch_size)
    return [batch.rows for batch in batches if batch.rows is not None]


def compare(args: argparse.Namespace, device: torch.device) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        encoder = load_vision_encoder(args.encoder, device=device)
        images = images_of(args, folder / "images")
        start = time.perf_counter()
        inputs = prepared(encoder, images, args.batch_size)
        alone = len(images) / (time.perf_counter() - start)
        encoder.embed(inputs[0])  # warm up
        bare, whole = [], []
        for turn in range(args.rounds):
            bare.append(len(images) / seconds_of(lambda: [encoder.embed(batch) for batch in inputs], device))
            work = lambda: extract(encoder, images, batch_size=args.batch_size, workers=args.workers)  # noqa: E731
            whole.append(len(images) / seconds_of(work, device))
            print(f"round {turn + 1}: forward {bare[-1]:,.0f} images/s, extraction {whole[-1]:,.0f}")
    print(
        f"{len(images):,} images, {encoder.identity}, batches of {args.batch_size}, "
        f"{args.workers or usable_cores()} threads, {machine(device)}"
    )
    print(f"images/s: forward {median(bare):,.0f}, extraction {median(whole):,.0f}; decoding alone {alone:,.0f}")
    print(f"peak memory: {describe_peak(peak_gib(device))}, {sum(x.nbytes for x in inputs) / 2**30:.2f} GiB of it")
    print("the prepared images that the bare rate needs (at least 0.85 is asked for):")
    print(f"ratio: {median(a / b for a, b in zip(whole, bare, strict=True)):.2f}")


def main() -> int:
    parser = parser_of(__doc__)
    parser.add_argument("--encoder", default="efficientnet-lite0", help="or a model on the hub, or a folder")
    parser.add_argument("--zip", metavar="FILE", help="Tiny-ImageNet-200; its validation images are taken")
    parser.add_argument("--images", type=int, default=4096)
    parser.add_argument("--side", type=int, default=64, help="of the JPEGs that are made, in pixels")
    parser.add_argument("--batch-size", type=int, default=256)
    parser.add_argument("--workers", type=int, default=None, help="threads that decode; by default one per core")
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    return run_on_device(args.device, lambda device: compare(args, device))


if __name__ == "__main__":
    raise SystemExit(main())
