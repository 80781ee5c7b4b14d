"""From class names to the texts that a text encoder reads: a template, a description, or an ensemble of templates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from t2w.errors import T2WError
from t2w.tasks.class_names import check_text, folded_name, readable_name

__all__ = ["PROMPTS", "TextMode"]

PROMPTS = (
    "a photo of a {}",
    "a close-up photo of a {}",
    "a {} seen from the side",
    "one {} in the middle of the picture",
    "a sharp photo of a {} in daylight",
    "a dim, grainy snapshot of a {}",
    "a {} in its usual surroundings",
    "part of a {}, cut off by the edge of the photo",
)
"""The default ensemble. Its first prompt is the default template, so what is shown of either is the same."""

_OWN_FIELD: dict[str, tuple[str | None, type | tuple[type, ...]]] = {
    "template": (None, object), "description": ("descriptions", Mapping), "ensemble": ("templates", (list, tuple)),
}  # fmt: skip


@dataclass(frozen=True)
class TextMode:
    """How a class name becomes the text its embedding is made of; stored with tasks and generators.

    `TextMode()` is a template, `TextMode.described(...)` template and description, `TextMode.ensemble(...)` several
    templates.

    Attributes:
        template: a sentence with "{}" where the name goes; an ensemble's first one.
        separators: characters of a name that stand for a space; "" leaves names as they are.
        descriptions: what is seen, by class name; it follows the template after a colon, and a class that is not in it
            has the template alone. None outside the description mode.
        templates: all templates of an ensemble, whose embeddings are averaged; () outside that mode.

    Raises:
        T2WError: a template does not hold "{}" exactly once or comes twice, a description is empty, or there are both
            descriptions and several templates.
    """

    template: str = PROMPTS[0]
    separators: str = "_"
    descriptions: Mapping[str, str] | None = field(default=None, hash=False)
    templates: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for template in (self.template, *self.templates):
            if not isinstance(template, str) or template.count("{}") != 1:
                raise T2WError(
                    f"text template is {template!r}", expected="a sentence with {} once, where the name goes"
                )
        if self.templates and self.descriptions is not None:
            raise T2WError("text mode has descriptions and several templates", expected="one of the two")
        if self.templates and self.templates[0] != self.template:
            raise T2WError(
                f"text template is {self.template!r}", expected=f"the ensemble's first, {self.templates[0]!r}"
            )
        for template in self.templates:
            if self.templates.count(template) > 1:
                raise T2WError(f"text template {template!r} comes more than once", expected="each template once")
        for name, text in (self.descriptions or {}).items():
            check_text(text, f"the description of class {name!r}")

    @classmethod
    def described(cls, descriptions: Mapping[str, str], **fields: Any) -> TextMode:
        """Template and description: "a photo of a pine tree: A straight trunk with ..."."""
        return cls(descriptions=dict(descriptions), **fields)

    @classmethod
    def ensemble(cls, templates: Iterable[str] = PROMPTS, *, separators: str = "_") -> TextMode:
        """Several templates. Raises T2WError where there is none."""
        several = tuple(templates)
        if not several:
            raise T2WError("a text ensemble has no template", expected="at least one")
        return cls(template=several[0], separators=separators, templates=several)

    @property
    def mode(self) -> Literal["template", "description", "ensemble"]:
        if self.templates:
            return "ensemble"
        return "template" if self.descriptions is None else "description"

    def texts(self, names: Iterable[str]) -> tuple[str, ...]:
        """One text per name, in order: of an ensemble the first prompts, to be shown. Errors as of `prompts`."""
        return tuple(prompts[0] for prompts in self.prompts(names))

    def prompts(self, names: Iterable[str], given: Mapping[str, str] | None = None) -> tuple[tuple[str, ...], ...]:
        """The prompts of each name, in order: one each, or as many as an ensemble has templates.

        Args:
            given: the user's own texts by class name, not empty. In the description mode they take the description's
                place, in the others they are the whole text. A name without one keeps the mode's own.

        Raises:
            T2WError: an empty name.
        """
        described = {folded_name(name): text for name, text in (self.descriptions or {}).items()}
        described.update(self.descriptions or {})  # the exact name comes first
        several: list[tuple[str, ...]] = []
        for name in names:
            readable = readable_name(name, separators=self.separators)
            if not readable:
                raise T2WError(f"the class name {name!r} is empty", expected="a name or a sentence")
            own = (given or {}).get(name)
            if own is not None and self.mode != "description":
                several.append((own.strip(),))
                continue
            texts = tuple(template.replace("{}", readable) for template in self.templates or (self.template,))
            description = own or described.get(name, described.get(folded_name(name)))
            several.append(texts if description is None else (f"{texts[0]}: {description.strip()}",))
        return tuple(several)

    def to_dict(self) -> dict[str, Any]:
        """What a file keeps: the mode, and the fields it has."""
        values: dict[str, Any] = {"mode": self.mode, "template": self.template, "separators": self.separators}
        if self.descriptions is not None:
            values["descriptions"] = dict(self.descriptions)
        if self.templates:
            values["templates"] = list(self.templates)
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> TextMode:
        """The inverse of `to_dict`. Raises T2WError for an unknown mode, and fields it has not or of a wrong kind."""
        fields = {key: value for key, value in values.items() if key != "mode"}
        mode = values.get("mode", "template")
        own, kind = _OWN_FIELD.get(mode, (None, None)) if isinstance(mode, str) else (None, None)
        if (
            kind is None
            or fields.keys() - {"template", "separators", own}
            or (own is not None and not isinstance(fields.get(own), kind))
            or not isinstance(fields.get("separators", ""), str)
            or not fields.get("templates", ("",))
        ):
            raise T2WError(
                f"text mode is {dict(values)!r:.200}",
                expected="mode 'template', 'description' or 'ensemble' with template, separators and, of the last two, "
                "descriptions or templates",
            )
        if several := tuple(fields.get("templates", ())):
            fields = {"template": several[0], **fields, "templates": several}
        return cls(**fields)
