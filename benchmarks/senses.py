"""How often the right sense of a name is chosen: the encoder's own class names that have several.

    python benchmarks/senses.py

ImageNet's classes are senses of WordNet with their names; where a name has several senses, the right one is known. Each
is chosen as in a task with 12 other classes drawn at random, the class itself being left out of what the encoder knows.
These names are harder than a user's: ImageNet took "crane", "boxer" and "drumstick" as they came, and the most frequent
sense is right for less than a third. Rows: what each sign alone would choose (see `t2w.words.choice`), and all with
their weights, which were set with a look at this table. The last line is the share that ours gets right.
"""

from __future__ import annotations

import torch
from common import parser_of, run_on_device

from t2w import TextToWeights
from t2w.errors import T2WError
from t2w.words import Known
from t2w.words.choice import WEIGHTS, signs_of

SIGNS = ("the bare name", "known concepts", "other classes of the task", "field among the known", "frequency")
OTHERS, NAMES, SENSES = 12, 3, 12


def measure(device: torch.device) -> None:
    writer = TextToWeights.from_pretrained(device=str(device))
    if writer.lexicon is None:
        raise T2WError("the embedded generator knows no concepts", expected="one that does")
    concepts, dictionary = writer.lexicon.concepts, writer.lexicon.dictionary
    rows = concepts.senses.tolist()
    fields = [dictionary.field(row) for row in rows]
    asked = []
    for number, names in enumerate(concepts.names):
        for name in names[:NAMES]:
            senses = dictionary.find(name)[:SENSES]
            if len(senses) > 1 and rows[number] in [sense.row for sense in senses]:
                asked.append((number, name, senses))
    spelt = writer.text_encoder.encode([name for _, name, _ in asked])
    rng = torch.Generator().manual_seed(0)
    right = torch.zeros(len(SIGNS) + 1)
    for (number, _, senses), name in zip(asked, spelt, strict=True):
        kept = [i for i in range(len(rows)) if i != number]
        others = [i for i in torch.randint(len(rows), (OTHERS,), generator=rng).tolist() if i != number]
        known = Known(concepts.text[kept], tuple(fields[i] for i in kept))
        signs = signs_of(senses, name, concepts.text[others], known, dictionary)
        truth = [sense.row for sense in senses].index(rows[number])
        votes = torch.cat([signs, (signs @ torch.tensor(WEIGHTS))[:, None]], dim=1)
        right += (votes.argmax(0) == truth).float()
    print(f"{len(asked)} names with several senses")
    for name, count in zip((*SIGNS, "all, with their weights (ours)"), right.tolist(), strict=True):
        print(f"  {name:32}{100 * count / len(asked):6.1f} %")
    print(f"right: {float(right[-1]) / len(asked):.3f}")


def main() -> int:
    args = parser_of(__doc__).parse_args()
    return run_on_device(args.device, measure)


if __name__ == "__main__":
    raise SystemExit(main())
