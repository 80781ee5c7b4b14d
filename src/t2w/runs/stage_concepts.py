"""Stage `concepts`: what the image encoder knows by name, less what is withheld, and the evidence for every class.

Only where `encoder.concepts` asks for it. See `known.py` for its files.
"""

from __future__ import annotations

import logging

import torch
from torch import Tensor

from t2w.adapters.holdout import class_rows
from t2w.concepts import Concepts, Evidence, Lexicon, concepts_of, name_texts
from t2w.concepts.photographs import ClassStatistics, class_statistics, with_photographs
from t2w.errors import T2WError
from t2w.runs.known import KnownClasses, save_known
from t2w.runs.run import Run
from t2w.words import Choice, Dictionary, load_dictionary

__all__ = ["run", "statistics_of"]

log = logging.getLogger("t2w")


def run(run: Run) -> None:
    if not run.config.encoder.concepts:
        return
    task_set, encoder, dictionary, seen = run.task_set, run.text_encoder, load_dictionary(), run.seen
    if dictionary.about["text_encoder"] != encoder.identity:
        raise T2WError(
            f"the text encoder is {encoder.identity}, and encoder.concepts is true",
            expected=f"{dictionary.about['text_encoder']}, which the dictionary of senses was made with",
            fix="set encoder=minilm, or encoder.concepts=false",
        )
    x, labels = _training_images(run)
    everything = concepts_of(run.head, dictionary, encoder.encode, means=[x.mean(0)])
    choices = _choices(run, dictionary, everything)
    senses = [choice.sense.row if choice.sense else -1 for choice in choices]
    withheld = set(task_set.unseen_classes)  # and the synonyms of what they mean
    for name in task_set.unseen_classes:
        sense = choices[task_set.class_names.index(name)].sense
        withheld |= set(sense.names if sense else ())
    kept = everything.without(withheld)
    known = everything.at(kept)
    named = name_texts(task_set.class_names, encoder.encode)
    by_encoder = Lexicon(known, encoder.encode).evidence(choices)
    meaning = dictionary.embeddings([max(sense, 0) for sense in senses])
    meaning = torch.where(torch.tensor(senses)[:, None] >= 0, meaning, named)
    statistics = class_statistics(known, x, labels, seen)
    concepts, positions = with_photographs(
        known, statistics, names=task_set.seen_classes, text=meaning[seen], name_text=named[seen],
        senses=[senses[number] for number in seen],
    )  # fmt: skip
    again = Lexicon(concepts, encoder.encode).evidence(choices)
    rows, variance, sources = again.rows, again.variance, list(again.sources)
    place = [-1] * len(senses)
    for number, position in zip(seen, positions, strict=True):
        place[number], sources[number] = position, "photographs"
        rows[number], variance[number] = concepts.rows[position], 0.0
    found = KnownClasses(
        concepts, Evidence(by_encoder.text, rows, variance, tuple(sources)), by_encoder, tuple(place), tuple(senses),
        tuple(everything.senses.tolist()), tuple(kept), statistics.spread,
    )  # fmt: skip
    save_known(
        run.path("concepts"), found, known, withheld=withheld, vision=run.features[0].encoder,
        understood=list(map(str, choices)),
    )  # fmt: skip
    log.info("concepts: %d known, %d withheld", len(concepts), len(everything) - len(known))


def statistics_of(run: Run, concepts: Concepts) -> ClassStatistics:
    """The statistics of the seen classes' training images."""
    return class_statistics(concepts, *_training_images(run), run.seen)


def _training_images(run: Run) -> tuple[Tensor, Tensor]:
    """Features and labels of the seen classes' training images, less those held out for choosing."""
    train, _ = run.features
    rows = class_rows(train, validation_fraction=run.config.recipe.validation_fraction).train
    index = torch.cat([rows[number] for number in run.seen])
    return train.rows(index), train.labels[index]


def _choices(run: Run, dictionary: Dictionary, concepts: Concepts) -> tuple[Choice, ...]:
    """How the dataset's class names are understood: by its own WordNet ids where it has them."""
    names = run.task_set.class_names
    if run.wnids is None:
        return Lexicon(concepts, run.text_encoder.encode).understand(names)
    return tuple(Choice(name, name, sense) for name, sense in zip(names, dictionary.by_key(run.wnids), strict=True))
