"""Pages of the site that lie elsewhere in the repository, under the links that work there, too."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File

ROOT = Path(__file__).parents[1]
ELSEWHERE = ("benchmarks/README.md", "src/t2w/assets/generator.md", "src/t2w/assets/dictionary.md")
_LINK = re.compile(r"\]\(([^)#:\s]+)")


def on_files(files: Any, config: Any) -> Any:
    """Add the pages."""
    for path in ELSEWHERE:
        files.append(File.generated(config, path, abs_src_path=str(ROOT / path)))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Point links at where the pages are on the site: there docs/ is the root."""
    here = page.file.src_uri
    in_repository = posixpath.dirname(here if here in ELSEWHERE else f"docs/{here}")

    def moved(found: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(in_repository, found[1]))
        on_site = target if target in ELSEWHERE else target.removeprefix("docs/")
        if on_site == target and target not in ELSEWHERE:
            return found[0]  # mkdocs says what it thinks of it
        return f"]({posixpath.relpath(on_site, posixpath.dirname(here) or '.')}"

    return _LINK.sub(moved, markdown)
