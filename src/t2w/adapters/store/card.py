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

```python
from datasets import load_dataset

adapters = load_dataset("FOLDER_OR_NAME", split="train").with_format("torch")
weights = adapters[0]["weights"]  # ({size},)
```

## Figures

```text
{figures}```

## Licence

The weights carry what they learned from the images. Licence of the data: {licence}.
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
