"""From words to predictions: `t2w generate` cold and warm, `t2w classify` in images per second and memory.

    python benchmarks/classify.py                # JPEGs of 500x500 that it makes
    python benchmarks/classify.py --images 2000 --side 64

Asked for on 2 cores: 10 classes generated cold in 6 s and warm in 150 ms, files classified at 0.75 of the bare forward
rate, memory under 1 GB whatever their number. Where the package holds no generator, generating is left out and the
classifier has random weights. The last line is the rate of classifying files over the bare forward rate of the same
encoder, the two alternating.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import torch
from common import machine, parser_of, run_on_device, seconds_of
from pictures import CLASSES, make_jpegs, random_classifier

from t2w import Classifier, TextToWeights
from t2w.encoders import VisionEncoder, load_vision_encoder
from t2w.errors import T2WError
from t2w.features.batches import prepared_batches
from t2w.features.of_pictures import features_of_pictures
from t2w.images import read_image

SECONDS, MILLISECONDS, GIGABYTES = 6.0, 150.0, 1.0


# A process counts what its parent held when it was started: one that holds nothing starts it.
_START = """
import json, resource, subprocess, sys
code = subprocess.call(sys.argv[1:], stdout=subprocess.DEVNULL)
print(json.dumps([code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss]))
"""


def command(*arguments: object) -> tuple[float, float]:
    """(seconds, peak GB) of one call of t2w in a process of its own."""
    call = [sys.executable, "-c", _START, sys.executable, "-m", "t2w", *map(str, arguments)]
    start = time.monotonic()
    done = subprocess.run(call, stdout=subprocess.PIPE, text=True, check=True)
    code, peak = json.loads(done.stdout)
    if code:
        raise T2WError(f"t2w {arguments[0]} ended with exit code {code}")
    return time.monotonic() - start, peak / 1e6


def generate(path: Path, rounds: int) -> None:
    """Write a classifier with the embedded generator, cold and warm. Raises T2WError where there is none."""
    writer = TextToWeights.from_pretrained("embedded", device="cpu")
    writer.generate(CLASSES)
    warm = [1e3 * seconds_of(lambda: writer.generate(CLASSES), torch.device("cpu")) for _ in range(5 * rounds)]
    cold = [command("generate", "--classes", ", ".join(CLASSES), "-o", path, "--device", "cpu") for _ in range(rounds)]
    seconds, memory = median(s for s, _ in cold), max(m for _, m in cold)
    print(f"generate, {len(CLASSES)} classes, cold: {seconds:.1f} s (limit {SECONDS:g}), {memory:.2f} GB")
    print(f"generate, warm: {median(warm):.0f} ms (limit {MILLISECONDS:g})")


def classify(encoder: VisionEncoder, classifier: Classifier, files: Sequence[Path], args: argparse.Namespace) -> float:
    """The median ratio of the two rates, which alternate."""

    def whole() -> None:
        for batch in features_of_pictures(encoder, files, batch_size=args.batch_size):
            assert batch.rows is not None
            classifier.classify_features(batch.rows)

    def prepare(path: Path) -> torch.Tensor:
        return encoder.prepare(read_image(path, min_side=encoder.min_side))

    inputs = [batch.rows for batch in prepared_batches(files, prepare, batch_size=args.batch_size)]
    cpu, rates = torch.device("cpu"), []
    encoder.embed(inputs[0])  # type: ignore[arg-type]
    for turn in range(args.rounds):
        bare = len(files) / seconds_of(lambda: [encoder.embed(batch) for batch in inputs], cpu)  # type: ignore[arg-type]
        rates.append((len(files) / seconds_of(whole, cpu), bare))
        print(f"round {turn + 1}: forward {bare:,.0f} images/s, files to classes {rates[-1][0]:,.0f}")
    print(f"classify: {median(rate for rate, _ in rates):,.0f} images/s")
    return median(rate / bare for rate, bare in rates)


def measure(args: argparse.Namespace, device: torch.device) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "ten.t2w"
        encoder = load_vision_encoder("efficientnet-lite0", device=device)
        try:
            generate(path, args.rounds)
        except T2WError as error:
            print(f"generating is left out: {error.found}")
            random_classifier(encoder, path)
        files = make_jpegs(folder / "images", args.images, args.side)
        ratio = classify(encoder, Classifier.load(path), files, args)
        try:
            seconds, memory = command("classify", path, folder / "images", "--device", device)
            print(f"t2w classify, start included: {seconds:.1f} s, peak {memory:.2f} GB (limit {GIGABYTES:g})")
        except T2WError as error:
            print(f"t2w classify is left out: {error}")
    print(f"{args.images:,} JPEGs of {args.side}x{args.side}, batches of {args.batch_size}, {machine(device)}")
    print(f"ratio: {ratio:.2f}")


def main() -> int:
    parser = parser_of(__doc__)
    parser.add_argument("--images", type=int, default=400)
    parser.add_argument("--side", type=int, default=500, help="of the JPEGs that are made, in pixels")
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    return run_on_device(args.device, lambda device: measure(args, device))


if __name__ == "__main__":
    raise SystemExit(main())
