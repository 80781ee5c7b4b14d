"""Features to labels and probabilities with NumPy alone: `python FILE.py features.npy [out.csv]`, or import it.

The features (N, d) are those of the image encoder that `about` of the .npz beside this script names.
"""

from __future__ import annotations

import csv
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np

MODEL: Any = Path(__file__).with_suffix(".npz")
erf = np.frompyfunc(math.erf, 1, 1)


def unit(x: np.ndarray) -> np.ndarray:
    return x / np.maximum(np.linalg.norm(x, axis=-1, keepdims=True), 1e-12)


def log_sum_exp(x: np.ndarray) -> np.ndarray:
    top = x.max(-1, keepdims=True)
    return (top + np.log(np.exp(x - top).sum(-1, keepdims=True)))[:, 0]


def classify(features: np.ndarray, model: Any = None) -> dict[str, np.ndarray]:
    """labels (N,), probabilities (N, n), classes (n,); with a rule also none (N,) bool and nearest_known (N,)."""
    m = np.load(MODEL, allow_pickle=False) if model is None else model
    x = np.asarray(features, dtype=np.float64)
    if x.ndim != 2 or x.shape[1] != m["weight1"].shape[2]:
        raise SystemExit(f"features of shape {x.shape}; expected (images, {m['weight1'].shape[2]})")
    probabilities = 0.0
    for w1, b1, w2, b2 in zip(m["weight1"], m["bias1"], m["weight2"], m["bias2"]):  # noqa: B905  # Python 3.9 runs it
        h = x @ w1.T + b1
        h = 0.5 * h * (1 + erf(h / math.sqrt(2)).astype(np.float64))  # GELU
        logits = unit(h @ w2.T + b2) @ m["text"].T
        probabilities = probabilities + np.exp(logits - log_sum_exp(logits)[:, None]) / len(m["weight1"])
    classes = m["classes"]
    answer = {"labels": classes[np.argmax(probabilities, 1)], "probabilities": probabilities, "classes": classes}
    if "none_below" in m:
        z = unit(x - (x @ m["centres"].T) @ m["centres"])
        like, none = z @ m["known"].T, np.zeros(len(x), dtype=bool)
        if len(m["others"]):
            tau, others = m["tau"], like[:, m["others"]]
            none = log_sum_exp(tau * z @ m["rows"].T) - 0.5 * log_sum_exp(tau * others) < m["none_below"]
        answer |= {"none": none, "nearest_known": m["known_names"][like.argmax(1)]}
    return answer


if __name__ == "__main__":
    answer = classify(np.load((sys.argv[1:] or sys.exit(__doc__))[0], allow_pickle=False))
    with open(sys.argv[2], "w", newline="", encoding="utf-8") if sys.argv[2:] else sys.stdout as out:
        write = csv.writer(out).writerow
        write(["label", *answer["classes"]])
        for i, label in enumerate(answer["labels"]):
            none = "none" in answer and answer["none"][i]
            write(["" if none else label, *answer["probabilities"][i].round(6)])
