"""From a command line's overrides to a checked `Config`; every problem is reported at once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from t2w.config.schema import Config
from t2w.errors import nearest
from t2w.extras import needs
from t2w.settings import refusal

__all__ = ["compose", "options"]


@cache
def options() -> dict[str, list[str]]:
    """The yaml files of every group, such as "experiment"."""
    groups = [path for path in files("t2w.configs").iterdir() if path.is_dir() and not path.name.startswith("__")]
    return {path.name: sorted(one.name[:-5] for one in path.iterdir() if one.name.endswith(".yaml")) for path in groups}


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
    if (known := options().get(key)) is None:
        return override if key[0] in "+~" else f"++{override}"
    if value in known:
        return override
    problems.append(f"{key} is {value!r}{nearest(value, known)}; expected one of {', '.join(known)}")
    return None
