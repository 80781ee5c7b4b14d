"""From a command line's overrides to a checked `Config`; every problem is reported at once."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from typing import Any

from t2w.config.schema import Config
from t2w.errors import nearest
from t2w.extras import needs
from t2w.settings import refusal

__all__ = ["compose", "list_options"]


def list_options(group: str) -> tuple[str, ...]:
    """The yaml files of a group, e.g. `list_options("experiment")`."""
    return tuple(sorted(p.name[:-5] for p in (files("t2w.configs") / group).iterdir() if p.name.endswith(".yaml")))


def _groups() -> tuple[str, ...]:
    return tuple(sorted(p.name for p in files("t2w.configs").iterdir() if p.is_dir() and not p.name.startswith("__")))


def compose(overrides: Sequence[str] = ()) -> Config:
    """Compose the configuration from Hydra overrides such as "experiment=digits", "generator.n_layer=6".

    Raises:
        T2WError: unknown keys, options or values; all of them in one message.
    """
    with needs("a run"):
        from hydra import compose as hydra_compose
        from hydra import initialize_config_module
        from hydra.core.global_hydra import GlobalHydra
        from hydra.errors import HydraException
        from omegaconf import OmegaConf
        from omegaconf.errors import OmegaConfBaseException

    problems: list[str] = []
    accepted = [text for override in overrides if (text := _checked(override, problems)) is not None]
    GlobalHydra.instance().clear()
    try:
        with initialize_config_module("t2w.configs", version_base="1.3"):
            composed = hydra_compose("config", overrides=accepted)
            values: Any = OmegaConf.to_container(composed, resolve=True)
    except (HydraException, OmegaConfBaseException) as error:
        raise refusal([*problems, " ".join(str(error).split())]) from error
    return Config.read(values, problems)


def _checked(override: str, problems: list[str]) -> str | None:
    """An override as Hydra should get it; None where a problem was noted instead.

    Values of unknown keys pass through with Hydra's "++", so that the schema names them with all other problems.
    """
    key, equals, value = override.partition("=")
    if not equals or not key:
        problems.append(f"{override!r} is not an override; expected key=value, for example generator.n_layer=6")
        return None
    if key in _groups():
        options = list_options(key)
        if value not in options:
            problems.append(f"{key} is {value!r}{nearest(value, options)}; expected one of {', '.join(options)}")
            return None
        return override
    return override if key[0] in "+~" else f"++{override}"
