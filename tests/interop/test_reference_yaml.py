"""The reference's YAML in our terms: what becomes what, what is ignored, and every mistake at once."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from t2w.config import compose
from t2w.errors import T2WError
from t2w.interop.reference_schema import ReferenceYaml
from t2w.interop.reference_yaml import dataset_of, read_reference_yaml

YAML = """
exp_name: caltech256_trial
out_dir: results
rng_seed: 3
amp: false
num_gpus: 1
resume_path: null
test_only: false
debug_mode: false
dataset: {normalizer: openai, openai_coeff: 1.646, num_workers: 8, max: 0.2, min: -0.2}
vis: {freq: 5, num_nets_per_gpu: 2, net_mb_size_per_gpu: 2, recursive_probe: false, use_ema: true, dvo_steps: 7,
      prompt_start_coeff: 2.0}
sampling: {thresholding: none}
transformer:
  {n_embd: 96, n_layer: 3, n_head: 4, ema: true, predict_xstart: true, absolute_loss_conditioning: true,
   chunk_size: 288, split_policy: chunk, max_freq_log2: 12, num_frequencies: 64, encoder_depth: 2, decoder_depth: 1,
   dropout_prob: 0.1}
train:
  base_lr: 4e-4
  num_ep: 200
  mb_size: 32
  {rest}
test: {freq: 10, mb_size: 32, use_ema: USE_EMA}
hydra: {output_subdir: null, run: {dir: .}}
"""
REST = """ema_decay: 0.9999
  beta2: 0.999
  grad_clip: 0.1
  warmup_factor: 0.0
  warmup_epochs: 5
  lr_sch: cos
  wd: 0.1
  checkpoint_freq: 500"""
TEXT = YAML.replace("{rest}", REST).replace("USE_EMA", "false")


def read(folder: Path, text: str = TEXT) -> ReferenceYaml:
    (folder / "mine.yaml").write_text(text, encoding="utf-8")
    return read_reference_yaml(folder, "mine")


def test_every_value_arrives_in_our_configuration(tmp_path: Path) -> None:
    config = compose(["experiment=digits", *read(tmp_path).overrides()])
    generator, train = config.generator, config.train
    assert (config.name, config.out, config.seed) == ("caltech256_trial", "results/caltech256_trial", 3)
    assert (generator.kind, generator.n_embd, generator.n_layer, generator.n_head) == ("reference", 96, 3, 4)
    assert (generator.chunk_size, generator.split_policy, generator.encoder_depth) == (288, "chunk", 2)
    assert (generator.decoder_depth, generator.num_frequencies, generator.max_freq_log2) == (1, 64, 12)
    assert (generator.dropout, generator.normalizer, generator.coefficient) == (0.1, "coefficient", 1.646)
    assert (train.steps, train.epochs, train.batch_size, train.learning_rate) == (None, 200, 32, 4e-4)
    assert (train.weight_decay, train.beta2, train.clip, train.warmup_epochs) == (0.1, 0.999, 0.1, 5)
    assert (train.ema_decay, train.ema_warmup, train.mixed_precision) == (0.9999, False, "no")
    assert (train.checkpoint_every_epochs, train.resume_from, train.adversarial) == (500, None, 0)
    assert (config.diffusion.sampler, config.diffusion.steps, config.diffusion.timesteps) == ("ancestral", 1000, 1000)
    assert (config.diffusion.respacing, train.permutation, train.functional.steps) == (None, False, 0)
    assert (dataset_of(config.name), dataset_of("imagenet_x"), dataset_of("x")) == ("caltech256", "tiny_imagenet", None)


def test_every_key_is_used_or_named_as_ignored(tmp_path: Path) -> None:
    found = read(tmp_path)
    named = {line.partition(":")[0] for line in found.ignored()}
    assert {"debug_mode", "dataset.max", "sampling", "vis", "hydra", "test.freq"} <= named
    assert "wandb" not in named  # is not in this file
    values: Any = found.model_dump()
    for section, inner in {"": values, **values}.items():
        for key, old in inner.items() if isinstance(inner, dict) else ():
            name = f"{section}.{key}" if section else key
            if isinstance(old, dict) or {name, section} & named or name == "wandb":
                continue
            # Another value of it makes another configuration, or is refused.
            inner[key] = not old if isinstance(old, bool) else old * 2 + 1 if isinstance(old, int | float) else "none"
            with suppress(ValidationError):
                assert ReferenceYaml.model_validate(values).overrides() != found.overrides(), name
            inner[key] = old


def test_other_choices(tmp_path: Path) -> None:
    text = TEXT.replace("amp: false", "amp: true").replace("ema: true, predict", "ema: false, predict")
    text = text.replace("normalizer: openai", "normalizer: none").replace("path: null", "path: results/x/0500.pt")
    found = read(tmp_path, text + "wandb: {name: '${exp_name}', project: p, mode: online, entity: e, group: g}\n")
    overrides = found.overrides()
    for expected in (
        'train.mixed_precision="fp16"',
        "train.ema_decay=0",
        'generator.normalizer="none"',
        'train.resume_from="results/x/0500.pt"',
    ):
        assert expected in overrides
    assert any(line.startswith("wandb: ") for line in found.ignored())


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("use_ema: false}", "use_ema: falseß}", "test.use_ema is 'falseß', which is text; expected true or false"),
        ("n_embd: 96", "n_embd: '96'", "n_embd is '96', which is text; expected a whole number"),
        ("n_layer: 3", "n_layer: true", "transformer.n_layer is True; expected a whole number"),
        ("num_ep: 200", "num_ep: 200.5", "train.num_ep is 200.5; expected a whole number"),
        ("n_head: 4", "n_heads: 4", r"no key 'transformer.n_heads' \(did you mean 'transformer.n_head'\?\)"),
        ("  mb_size: 32\n", "", "train.mb_size is missing"),
        ("lr_sch: cos", "lr_sch: step", "train.lr_sch is 'step'; Input should be 'cos'"),
        (
            "warmup_factor: 0.0",
            "warmup_factor: 0.5",
            "train.warmup_factor is 0.5; Input should be less than or equal to 0",
        ),
        ("predict_xstart: true", "predict_xstart: false", "predict_xstart is False; Input should be True"),
        ("test_only: false", "test_only: true", "test_only is true; run `t2w eval`"),
        (
            "normalizer: openai",
            "normalizer: openia",
            "dataset.normalizer is 'openia'; Input should be 'openai' or 'none'",
        ),
        (
            "sampling: {thresholding: none}",
            "sampling: static",
            "sampling is 'static'; Input should be a valid dictionary",
        ),
        ("exp_name: caltech256_trial", "exp_name: ''", "exp_name is ''; String should have at least 1 character"),
    ],
)
def test_mistakes(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in TEXT
    with pytest.raises(T2WError, match=message) as caught:
        read(tmp_path, TEXT.replace(old, new))
    assert "mine.yaml" in str(caught.value)


def test_all_mistakes_at_once(tmp_path: Path) -> None:
    text = TEXT.replace("use_ema: false}", "use_ema: falseß}").replace("n_layer: 3", "n_layers: 3")
    with pytest.raises(T2WError) as caught:
        read(tmp_path, text)
    for part in ("3 problems", "falseß", "n_layers", "transformer.n_layer is missing"):
        assert part in str(caught.value)


def test_files_that_are_not(tmp_path: Path) -> None:
    read(tmp_path)
    with pytest.raises(T2WError, match=r"no .*mne.yaml \(did you mean 'mine'\?\); expected one of mine"):
        read_reference_yaml(tmp_path, "mne")
    for text in ("a: [1", "- 1\n- 2\n", "a: ${nothing}"):
        with pytest.raises(T2WError, match=r"mine\.yaml"):
            read(tmp_path, text)
