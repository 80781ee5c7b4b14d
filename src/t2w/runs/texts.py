"""How a run's class names become texts."""

from __future__ import annotations

from collections.abc import Sequence

from t2w.config import Config
from t2w.datasets.descriptions import descriptions
from t2w.datasets.registry import CLASS_LISTS, class_list
from t2w.errors import T2WError
from t2w.tasks import PROMPTS, TextMode

__all__ = ["text_mode"]


def text_mode(config: Config, class_names: Sequence[str]) -> TextMode:
    """The run's text mode. Raises T2WError where descriptions are asked for of classes that have none."""
    encoder = config.encoder
    if encoder.text_mode == "description":
        return TextMode.described(_described(class_names), template=encoder.template)
    if encoder.text_mode == "ensemble":
        rest = [template for template in PROMPTS if template != encoder.template]
        return TextMode.ensemble((encoder.template, *rest))
    return TextMode(encoder.template)


def _described(class_names: Sequence[str]) -> dict[str, str]:
    """Descriptions of the data set that has all these classes; a features file does not say which one it is."""
    for name in CLASS_LISTS:
        if set(class_names) <= set(class_list(name)):
            known = descriptions(name)
            return {name: known[name] for name in class_names}
    raise T2WError(
        f"encoder.text_mode is description, and there are none of these classes ({', '.join(class_names[:3])}, ...)",
        expected=f"classes of {', '.join(CLASS_LISTS)}",
        fix="set encoder.text_mode to template or ensemble",
    )
