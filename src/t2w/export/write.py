"""One classifier in one of the forms that need no t2w."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from t2w.errors import T2WError
from t2w.extras import needs

if TYPE_CHECKING:
    from t2w.classifier import Classifier

__all__ = ["Exported", "Form", "export"]

Form: TypeAlias = Literal["onnx", "numpy", "browser"]


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        files: a page's folder counts as one.
        notes: sentences about it: how far its answers are from the classifier's.
    """

    files: tuple[Path, ...]
    notes: tuple[str, ...] = ()

    def sizes(self) -> Iterator[tuple[Path, int]]:
        """The files with their sizes in bytes."""
        for path in self.files:
            parts = path.rglob("*") if path.is_dir() else [path]
            yield path, sum(part.stat().st_size for part in parts if part.is_file())


def export(
    classifier: Classifier,
    path: str | Path,
    *,
    to: Form,
    int8: bool = False,
    calibrate: str | Path | None = None,
    runtime: str | Path | None = None,
) -> Exported:
    """Write a classifier for where neither t2w nor PyTorch is; see docs/export.md.

    Args:
        path: FILE.onnx, FILE.npz (a script is written beside it), or the folder of a page.
        to: "onnx", "numpy" or "browser".
        int8: the encoder's weights and activations in 8 bits.
        calibrate: a folder of photographs for `int8`; in class folders, accuracy is measured too.
        runtime: a folder with onnxruntime-web, for "browser"; None: the cache, else the npm registry, once.

    Raises:
        MissingExtra: a package of the extra `export` is missing.
        T2WError: an encoder that cannot be written out, no pictures to calibrate with, another kind of file there, or
            a result that does not answer as the classifier does.
    """
    if to not in get_args(Form):
        raise T2WError(f"an export to {to!r:.40}", expected=f"one of {', '.join(get_args(Form))}")
    if (int8 or calibrate is not None) and to == "numpy":
        raise T2WError("8 bits are for the encoder, which an export to numpy leaves out", fix="leave --int8 out")
    if int8 != (calibrate is not None):
        raise T2WError(
            "int8 without photographs to calibrate with" if int8 else "photographs to calibrate with, without int8",
            expected="both or neither",
            fix="--int8 --calibrate FOLDER, with some hundred photographs such as the classifier will see",
        )
    if to == "numpy":
        from t2w.export.numpy_file import export_numpy

        return Exported(export_numpy(classifier, path))
    if to == "browser":  # looked at before the work that would be lost
        from t2w.export.browser import check_place
        from t2w.export.onnxruntime_web import find_runtime

        check_place(path)
        runtime = find_runtime(runtime)
    elif Path(path).suffix != ".onnx":
        raise T2WError(f"the file is to be {Path(path).name}", expected="a name that ends in .onnx")
    with needs("an export"):
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401  # torch's exporter wants it
    from t2w.export.onnx_file import onnx_model, write_onnx

    made = onnx_model(classifier, calibrate=calibrate)
    notes = [f"probabilities as the classifier's own within {made.difference:.1g}"]
    if made.resized_difference is not None:
        notes[0] += f", resizing included within {made.resized_difference:.1g}"
    notes += [] if made.int8 is None else [str(made.int8)]
    if to == "browser":
        from t2w.export.browser import write_page

        write_page(path, made, runtime=runtime)
        return Exported((Path(path),), (*notes, f"open {Path(path) / 'index.html'}"))
    return Exported(write_onnx(path, made), tuple(notes))
