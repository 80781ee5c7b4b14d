"""Training the generator: against the plain way, and against the reference's configuration.

    python benchmarks/training.py                                   # seconds per step, the reference's network
    python benchmarks/training.py --device cuda                     # in bfloat16, compiled
    python benchmarks/training.py --time-to-accuracy --run DIR      # minutes to the same accuracy; makes the adapters

A step has the adversarial term on. The plain way is `plain_training.py`: the same network and the same outputs (checked
first), a loop over token projections, attention spelled out, one file per sample, a second pass over the data for the
discriminator, AdamW as it comes. The two alternate in one run, so that a busy machine slows
both; the last line is the ratio alone: plain over ours (steps), ours over the reference's (minutes).
"""

from __future__ import annotations

import argparse
import json
import tempfile
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from statistics import median

import torch
from common import (
    describe_peak,
    in_own_process,
    machine,
    matmul_rate,
    parser_of,
    peak_gib,
    run_on_device,
    seconds_of,
)
from plain_training import PlainTraining, PlainTransformer, write_samples
from time_to_accuracy import time_to_accuracy
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from t2w.adapters import AdapterSpec
from t2w.diffusion import linear_schedule
from t2w.generator import Condition, Normalizer, ReferenceConfig, build_network
from t2w.training import TrainSettings
from t2w.training.adversary import Adversary
from t2w.training.batches import seeded
from t2w.training.objectives import WeightObjective
from t2w.training.optimizer import adamw, averaged
from t2w.training.rows import WeightRows

SPEC, TEXT_DIM, COEFFICIENT, SAMPLES = AdapterSpec(512, 16, 512, 100.0), 512, 1.646, 128
ADVERSARIAL = 0.01
TOLERANCE = 1e-4  # of outputs of order 1, in float32


class OurTraining:
    """A step as `fit_generator` does it, without its bookkeeping."""

    def __init__(self, config: ReferenceConfig, args: argparse.Namespace, device: torch.device) -> None:
        vectors, text = samples()
        self.settings = TrainSettings(
            steps=10_000, batch_size=args.batch_size, learning_rate=4e-4, weight_decay=0.1, beta2=0.999, clip=0.1,
            ema_decay=0.9999, ema_warmup=False, adversarial=ADVERSARIAL, mixed_precision=args.precision,
            compile=args.compile,
        )  # fmt: skip
        self.device, self.network = device, build_network(config).to(device).train()
        rows = WeightRows(SPEC, vectors, Normalizer.scaled(SPEC.size, COEFFICIENT).to(device), device)
        condition = Condition(text[:, None], torch.ones(len(text), 1, dtype=torch.bool)).to(device)
        adversary = Adversary(SPEC.size, device)
        self.objective = WeightObjective(
            rows, condition, linear_schedule(config.timesteps), self.settings, adversary=adversary
        )
        self.optimizer = adamw(self.network, self.settings, device)
        self.ema = averaged(self.network, self.settings.ema_decay, warmup=False)
        self.model = torch.compile(self.network) if args.compile else self.network

    def step(self, step: int, size: int) -> None:
        self.optimizer.zero_grad()
        with seeded(self.device, 0, step), self.autocast():
            loss = self.objective(self.model, step, slice(0, size))
        loss.total.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.settings.clip)
        float(loss.total.detach())
        self.optimizer.step()
        self.ema.update_parameters(self.network)

    def autocast(self) -> torch.autocast | nullcontext[None]:
        if self.settings.mixed_precision == "no":
            return nullcontext()
        return torch.autocast(self.device.type, torch.bfloat16)

    def flops(self) -> int:
        """Multiplications and additions of one step's forward and backward passes, the discriminator's included."""
        with FlopCounterMode(display=False) as counter, self.autocast():
            self.objective(self.network, 0, slice(0, self.settings.batch_size)).total.backward()
        return int(counter.get_total_flops())


def samples() -> tuple[Tensor, Tensor]:
    """Adapters (SAMPLES, P) and texts; their values do not matter to the time of a step."""
    generator = torch.Generator().manual_seed(0)
    vectors = 0.05 * torch.randn(SAMPLES, SPEC.size, generator=generator)
    return vectors, 0.3 * torch.randn(SAMPLES, TEXT_DIM, generator=generator)


def plain_training(config: ReferenceConfig, folder: Path, device: torch.device) -> PlainTraining:
    vectors, text = samples()
    paths = write_samples(folder, vectors, text, [shape for _, shape in SPEC.layout])
    network = PlainTransformer(config)
    network.load_state_dict(build_network(config).state_dict())
    alpha_bar = linear_schedule(config.timesteps).alpha_bar
    return PlainTraining(network.to(device), paths, alpha_bar, COEFFICIENT, adversarial=ADVERSARIAL)


@torch.no_grad()
def check_equal(ours: OurTraining, plain: PlainTraining) -> None:
    """Stop where the two networks are not the same function."""
    generator = torch.Generator().manual_seed(1)
    x_t, text = torch.randn(4, SPEC.size, generator=generator), torch.randn(4, TEXT_DIM, generator=generator)
    inputs = [value.to(ours.device) for value in (x_t, torch.tensor([0, 7, 500, 999]), text)]
    a, b = ours.network(*inputs), plain.network(*inputs)
    difference = float((a - b).abs().max() / b.abs().max())
    print(f"same weights, same output: largest difference {difference:.1e} of the largest output")
    if difference > TOLERANCE:
        raise SystemExit("the two networks differ: the comparison means nothing")


def compare(args: argparse.Namespace, device: torch.device) -> None:
    config = ReferenceConfig(SPEC, TEXT_DIM, n_embd=args.n_embd, n_layer=args.n_layer)
    assert isinstance(config, ReferenceConfig)
    with tempfile.TemporaryDirectory() as folder:
        if args.only:  # a process of its own: how much memory one of the two takes
            way = (
                OurTraining(config, args, device)
                if args.only == "ours"
                else plain_training(config, Path(folder), device)
            )
            for step in range(2):
                way.step(step, args.batch_size)
            print(json.dumps(peak_gib(device)))
            return
        passed_on = [f"--{name.replace('_', '-')}={getattr(args, name)}" for name in ("device", "n_embd", "n_layer",
                     "batch_size", "precision")] + ["--compile" if args.compile else "--no-compile"]  # fmt: skip
        peaks = {name: in_own_process(__file__, [*passed_on, "--only", name]) for name in ("plain", "ours")}
        plain, ours = plain_training(config, Path(folder), device), OurTraining(config, args, device)
        count = sum(p.numel() for p in ours.network.parameters())
        print(f"{machine(device)}; {count:,} parameters, batch {args.batch_size}, adversarial {ADVERSARIAL}, "
              f"ours {args.precision if args.precision != 'no' else 'float32'}"
              f"{', compiled' if args.compile else ''}, plain float32")  # fmt: skip
        check_equal(ours, plain)
        work = ours.flops()
        for step in range(args.warmup):
            plain.step(step, args.batch_size)
            ours.step(step, args.batch_size)
        seconds: dict[str, list[float]] = {"plain": [], "ours": []}
        for turn in range(args.rounds):
            first = args.warmup + turn * args.steps
            for name, step_of in (("plain", plain.step), ("ours", ours.step)):
                for step in range(first, first + args.steps):
                    seconds[name].append(seconds_of(partial(step_of, step, args.batch_size), device))
            done = {name: median(values[-args.steps :]) for name, values in seconds.items()}
            print(f"round {turn + 1}: plain {done['plain']:.3f} s, ours {done['ours']:.3f} s per step", flush=True)
        report(seconds, peaks, work, torch.float32 if args.precision == "no" else torch.bfloat16, device)


def report(
    seconds: dict[str, list[float]],
    peaks: dict[str, dict[str, float]],
    work: int,
    dtype: torch.dtype,
    device: torch.device,
) -> None:
    for name, values in seconds.items():
        print(f"{name}: {median(values):.3f} s per step, peak memory {describe_peak(peaks[name])}")
    rate = work / median(seconds["ours"])
    peak = matmul_rate(dtype, device)
    print(f"ours: {rate / 1e9:,.0f} GFLOP/s, {rate / peak:.0%} of {peak / 1e9:,.0f}, this machine's {dtype} product")
    print(f"wanted: at least {4 if device.type == 'cuda' else 1.3}")
    print(f"ratio: {median(seconds['plain']) / median(seconds['ours']):.2f}")


def main() -> int:
    parser = parser_of(__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=2, help="of each, per round")
    parser.add_argument("--warmup", type=int, default=1, help="steps before the first round")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--n-embd", type=int, default=1024)
    parser.add_argument("--n-layer", type=int, default=6)
    parser.add_argument("--precision", choices=("no", "bf16"), help="of ours; default: bf16 on a GPU, else float32")
    parser.add_argument("--compile", action=argparse.BooleanOptionalAction, help="ours; default: on a GPU")
    parser.add_argument("--only", choices=("ours", "plain"), help="two steps of one way; prints peak memory as JSON")
    parser.add_argument("--time-to-accuracy", action="store_true")
    parser.add_argument("--run", help="of --time-to-accuracy: a run folder with adapters, made where it is missing")
    parser.add_argument("--minutes", type=float, default=10.0, help="of --time-to-accuracy: what the reference gets")
    parser.add_argument("--our-minutes", type=float, help="what ours is planned for; default: a tenth of --minutes")
    parser.add_argument("--every", type=float, default=6.0, help="of --time-to-accuracy: seconds between validations")
    parser.add_argument("--full-schedule", action="store_true", help="ours with the run's own number of steps")
    args = parser.parse_args()
    if args.time_to_accuracy and not args.run:
        parser.error("--time-to-accuracy needs --run DIR")

    def work(device: torch.device) -> int:
        if args.time_to_accuracy:
            return time_to_accuracy(args, device)
        args.precision = args.precision or ("bf16" if device.type == "cuda" else "no")
        args.compile = device.type == "cuda" if args.compile is None else args.compile
        compare(args, device)
        return 0

    return run_on_device(args.device, work)


if __name__ == "__main__":
    raise SystemExit(main())
