"""docs/layout.md is true: rooms import from rooms further up its table alone, and all of the source is in it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "t2w"


def rooms() -> list[set[str]]:
    """The rows of the table, from the top: names of folders and files under src/t2w, without their endings."""
    table = (ROOT / "docs" / "layout.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    return [{name.rstrip("/").removesuffix(".py") for name in re.findall(r"`([^`]+)`", row)} for row in rows]


def room_of(module: str, table: list[set[str]]) -> int | None:
    """The row of a module such as t2w.words.choice; None for the package itself."""
    parts = module.split(".")
    return None if len(parts) < 2 else next((i for i, row in enumerate(table) if parts[1] in row), -1)


def imports(path: Path) -> Iterator[str]:
    """Modules of t2w that a file imports when it runs, at the top or in a function; not those for types alone."""

    def visit(node: ast.AST) -> Iterator[str]:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            return
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "t2w":
            yield from (f"t2w.{name.name}" if node.module == "t2w" else str(node.module) for name in node.names)
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names if name.name.split(".")[0] == "t2w")
        for child in ast.iter_child_nodes(node):
            yield from visit(child)

    yield from visit(ast.parse(path.read_text(encoding="utf-8")))


def test_imports_point_up_the_table() -> None:
    table = rooms()
    wrong = []
    for path in sorted(SOURCE.rglob("*.py")):
        relative = path.relative_to(SOURCE).with_suffix("")
        own = room_of(f"t2w.{'.'.join(relative.parts)}", table)
        if relative.name in ("__init__", "__main__") and len(relative.parts) == 1:
            continue
        if own == -1:
            wrong.append(f"{relative} is in no room of docs/layout.md")
        for module in imports(path):
            other = room_of(module, table)
            if other is not None and own is not None and other > own:
                wrong.append(f"{relative} imports {module}, which is further down")
    assert not wrong, "\n".join(wrong)


def test_no_file_is_long() -> None:
    lengths = {
        path.relative_to(SOURCE): len(path.read_text(encoding="utf-8").splitlines()) for path in SOURCE.rglob("*.py")
    }
    assert {path: length for path, length in lengths.items() if length > 250} == {}
