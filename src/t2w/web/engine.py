"""What the page does: names to a classifier, pictures to features, once; and both again to answers at every change."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING

from t2w.errors import T2WWarning
from t2w.features.of_pictures import features_of_pictures
from t2w.photos import TaskPictures
from t2w.tasks import parse_described

if TYPE_CHECKING:
    from t2w.classifier import Classifier
    from t2w.encoders import VisionEncoder
    from t2w.pipeline import TextToWeights
    from t2w.web.session import Session

__all__ = ["Engine"]

_BATCH = 16  # pictures after which the page hears of them


@dataclass(eq=False)
class Engine:
    """Writes and improves the classifiers of all sessions, one at a time: they share the processor.

    Attributes:
        writer: writes them from words; None where `given` is.
        given: a finished classifier that is to be used and improved; None where `writer` is.
    """

    writer: TextToWeights | None = None
    given: Classifier | None = None
    _lock: Lock = field(default_factory=Lock, repr=False)

    def __post_init__(self) -> None:
        assert (self.writer is None) != (self.given is None)

    @cached_property
    def encoder(self) -> VisionEncoder:
        """The image encoder of all its classifiers. Raises T2WError where it is not on this machine."""
        return self.writer.vision if self.writer is not None else self.given.encoder  # type: ignore[union-attr]

    @property
    def takes_evidence(self) -> bool:
        """Whether pictures without labels can be evidence."""
        return self.writer is not None and self.writer.lexicon is not None

    def encode(self, session: Session) -> Iterator[None]:
        """Encode the pictures that were not yet, some at a time; those that cannot be read are refused."""
        while True:
            with session.encoding:
                with session.lock:
                    some = session.waiting[:_BATCH]
                if not some:
                    return
                with self._lock:
                    (batch,) = features_of_pictures(self.encoder, [one.file for one in some], batch_size=_BATCH)
                with session.lock:
                    for row, position in zip(() if batch.rows is None else batch.rows, batch.positions, strict=True):
                        # As pictures of a command have them, so that both come to the same classifier.
                        session.features[some[position].number] = row.half().float()
                    for position, error in batch.refused:
                        session.drop(some[position], str(error).replace(str(some[position].file), some[position].name))
                    self.classify(session)
            yield

    def write(self, session: Session) -> None:
        """The session's classifier, from its words and pictures as they are now.

        Raises:
            T2WError: what is wrong with the names; the classifier before stays.
        """
        with session.lock, self._lock, warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", T2WWarning)
            session.classifier = self._by_words(session) if self.takes_evidence else self._by_training(session)
            session.classifier.__dict__["encoder"] = self.encoder
            session.notes = tuple(str(one.message) for one in caught if issubclass(one.category, T2WWarning))
            self.classify(session)

    def classify(self, session: Session) -> None:
        """The answers of the session's classifier for all its pictures."""
        import torch

        with session.lock:
            session.order = tuple(number for number in session.pictures if number in session.features)
            session.prediction = None
            if session.classifier is not None and session.order:
                features = torch.stack([session.features[number] for number in session.order])
                session.prediction = session.classifier.classify_features(features, none=True)

    def _by_words(self, session: Session) -> Classifier:
        assert self.writer is not None
        assert self.writer.lexicon is not None
        names, texts = parse_described(session.typed)
        texts |= {name: text for name, text in session.texts.items() if name in names}
        senses = {name: key for name, key in session.senses.items() if name in names and name not in texts}
        seen = _pictures(session, names, without_labels=session.learn)
        made = self.writer.generate(names, texts=texts, senses=senses, photos=seen)
        session.choices = self.writer.lexicon.understand(names, senses)
        return made

    def _by_training(self, session: Session) -> Classifier:
        base = self.given
        if base is None:
            assert self.writer is not None
            names, texts = parse_described(session.typed)
            base = self.writer.generate(names, texts=texts)
            base.__dict__["encoder"] = self.encoder  # loaded already, where the property would load it
        seen = _pictures(session, base.classes, without_labels=False)
        return base if seen is None else base.fit(seen)


def _pictures(session: Session, names: tuple[str, ...], *, without_labels: bool) -> TaskPictures | None:
    """The session's pictures as evidence; None for none."""
    import torch

    found: dict[int, int] = {}
    for number in session.features:
        label = session.labels.get(number, "")  # None: of none of the classes, of which nothing is learnt
        if label in names:
            found[number] = names.index(label)
        elif without_labels and label is not None:
            found[number] = -1
    if not found:
        return None
    return TaskPictures(torch.stack([session.features[number] for number in found]), tuple(found.values()), ())
