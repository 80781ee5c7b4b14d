"""The card of a published weight dataset, written from the dataset itself."""

from __future__ import annotations

from pathlib import Path

from t2w.adapters.store.dataset import WeightDataset
from t2w.adapters.store.summary import render_summary, summarise
from t2w.files import write_text

__all__ = ["write_card"]

_TEXT = """\
---
{header}
---

# {name}

{count} trained adapters: one row per classification task, with the names of its classes and the {size} weights of the
small network that was trained for it. An adapter turns frozen image features ({in_features} numbers) into the space of
the class texts ({out_features} numbers); the class whose text is nearest (cosine) is the prediction. Made with t2w, to
train networks that write weights from text.

## What it is good for

- Training networks that write weights from text, as below: a task's texts go in, its weights come out.
- Looking at weight spaces: what can be read from weights about the task they were trained for; how they average,
  interpolate and permute.
- Baselines: the adapter of the nearest task, the mean of all.

It is not good for images: it holds none, nor features of any, and its adapters fit the features of one image encoder
alone. All of them began at one base, so distances between them say nothing about trainings that begin elsewhere.

A network that denoises weights, told what the task is about. Its score is of tasks that were kept out of its training;
the mean of all weights has 0. It takes {megabytes:,} MB of memory, and `pip install "t2w[offline,publish]"`.

```python
{example}```

## How they were made

- Adapter: Linear({in_features}, {hidden}), GELU, Linear({hidden}, {out_features}), logit scale {logit_scale:g}.
- Weights in this order: {layout}. Hidden units are exchangeable.
- All start from one base adapter (`base.safetensors`) and are trained on their own task's images alone.
- Recipe `{recipe}`: {duration}, batches of {batch_size}, Adam, learning rate {learning_rate:g} ({schedule});
  features in {dtype}; seed {seed}.
- Image features: {encoder} ({images}).
- Job `{fingerprint}`: a hash of all that determines the weights (`adapter.json`).
  Made with {versions}.
{source}
## Columns

| column | meaning |
|---|---|
| position, task_id | place in the job's list of tasks; the task's id |
| split | what the task may be used for (null where none was named) |
| class_names, texts | the task's classes in order, and the text of each |
| seed, steps, loss | of the training; loss is its mean cross-entropy at the end, in nats |
| validation_accuracy | on training images held out (null where none were) |
| test_accuracy | on the official test images; for reporting only, nothing may be chosen by it |
| weights | {size} float32 |

## Figures

```text
{figures}```

## Licence

The weights carry what they learned from the images. Licence of the data: {licence}.
"""

_EXAMPLE = """\
import torch
from datasets import load_dataset
from t2w.encoders import load_text_encoder
table = load_dataset("FOLDER_OR_NAME", split="train").with_format("torch")
weights, texts = table["weights"][:], table["{texts}"][:]
known = sorted({{text for task in texts for text in task}})
embedded = dict(zip(known, load_text_encoder("minilm").encode(known)))
about = torch.stack([torch.stack([embedded[text] for text in task]).mean(0) for task in texts])
test = torch.arange(len(weights)) % 5 == 0  # every fifth task is kept out
x0, size = (weights - weights[~test].mean(0)) / (weights[~test].std(0) + 1e-6), weights.shape[1]
network = torch.nn.Sequential(torch.nn.Linear(size + 385, 512), torch.nn.GELU(), torch.nn.Linear(512, size))
optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3)
for step in range(1000):
    row = torch.nonzero(~test)[torch.randint(int((~test).sum()), (64,)), 0]
    t = torch.rand(64, 1) * torch.pi / 2  # 0: the weights, pi/2: nothing but noise
    noisy = t.cos() * x0[row] + t.sin() * torch.randn(64, size)
    loss = (network(torch.cat([noisy, t, about[row]], 1)) - x0[row]).square().mean()
    optimizer.zero_grad(), loss.backward(), optimizer.step()
noise = torch.cat([torch.randn_like(x0), torch.full((len(x0), 1), torch.pi / 2), about], 1)[test]
print(f"score: {{1 - (network(noise) - x0[test]).square().mean() / x0[test].square().mean():.3f}}")
"""


def write_card(dataset: WeightDataset, folder: Path, *, name: str, licence: str, source: str | None) -> None:
    """Write `folder/README.md`, whose YAML header declares files and sizes for `load_dataset(folder)`."""
    from huggingface_hub import DatasetCardData

    summary = summarise(dataset)
    recipe, spec, encoder = dataset.identity["recipe"], dataset.spec, dataset.identity["train_features"]
    size = len(dataset) * spec.size * 4
    header = DatasetCardData(
        license=licence,
        pretty_name=name,
        tags=["t2w", "weights", "adapters"],
        configs=[{"config_name": "default", "data_files": [{"split": "train", "path": "data/*.parquet"}]}],
        dataset_info={
            "splits": [{"name": "train", "num_bytes": size, "num_examples": len(dataset)}],
            "dataset_size": size,
            "download_size": sum(path.stat().st_size for path in (folder / "data").iterdir()),
        },
    )
    made = {f"t2w {m.get('t2w')}, torch {m.get('torch')}, {m.get('device')}" for m in dataset.provenance}
    text = _TEXT.format(
        **spec.to_dict() | recipe,
        header=str(header).strip(),
        name=name,
        example=_EXAMPLE.format(texts="texts" if dataset.texts else "class_names"),
        megabytes=-(-len(dataset) * spec.size * 8 // 10**6),
        count=len(dataset),
        size=spec.size,
        layout=", ".join(f"{parameter} {tuple(shape)}" for parameter, shape in spec.layout),
        recipe=summary["recipe"],
        duration=f"{recipe['epochs']} epochs" if recipe.get("epochs") else f"{recipe['steps']} steps",
        dtype=dataset.identity["dtype"],
        seed=summary["seed"],
        encoder=encoder["encoder"],
        images=f"preprocessing {encoder['preprocessing']}, hash {encoder['hash']}",
        fingerprint=dataset.fingerprint,
        versions="; ".join(sorted(made)),
        source=f"- Data: {source}\n" if source else "",
        figures=render_summary(summary).replace(str(dataset.folder), "this dataset"),
        licence=licence,
    )
    write_text(folder / "README.md", text)
