"""`t2w`: the verbs together, and how they fail."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click

from t2w.cli.adapters import adapters
from t2w.cli.audit import audit
from t2w.cli.classes import classes
from t2w.cli.classify import classify
from t2w.cli.demo import demo
from t2w.cli.export import export
from t2w.cli.export_reference import export_reference
from t2w.cli.fit import fit
from t2w.cli.fuse import fuse
from t2w.cli.generate import generate
from t2w.cli.import_reference import import_reference
from t2w.cli.inspect_ import inspect
from t2w.cli.push import push
from t2w.cli.run import run
from t2w.cli.sort import sort
from t2w.cli.stages import evaluate, features, tasks, train
from t2w.cli.web import web
from t2w.errors import T2WError, T2WWarning
from t2w.extras import lacking

__all__ = ["main"]

_INTERRUPTED, _CLOSED = 130, 141  # 128 + SIGINT or SIGPIPE, as shells count


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="t2w", message="%(prog)s %(version)s")
def cli() -> None:
    """Words become weights: name the classes, get a working image classifier.

    \b
    t2w generate --classes "cat, school bus, pizza" -o lunch.t2w
    t2w classify lunch.t2w photo.jpg folder/
    t2w sort PHOTOS --classes "cat, pizza" --into sorted
    t2w web                                         a page to do all of it on
    t2w eval lunch.t2w folder-of-class-folders/
    t2w inspect lunch.t2w photo.jpg                 what it knows, and where it looks
    t2w export lunch.t2w --to browser -o page       for a browser, ONNX or NumPy
    t2w demo                                        words to classifiers of real digits, in minutes
    t2w run experiment=digits generator.n_layer=6   an experiment, with changes
    """


for verb in (
    generate, classify, sort, web, classes, fit, fuse, inspect, export, push, demo, run, tasks, features, adapters,
    train, evaluate, audit, import_reference, export_reference,
):  # fmt: skip
    cli.add_command(verb)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; user's mistakes end in one sentence and exit code 2."""
    # Whoever starts a program may close its standard streams: what is written to them then goes nowhere.
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115
    stdout = sys.stdout
    try:
        with _noting():
            code = cli.main(arguments, prog_name="t2w", standalone_mode=False) or 0
        sys.stdout.flush()  # now, while a failure can still be told from success
        sys.exit(code)
    except T2WError as error:
        _fail(str(error))
    except ImportError as error:
        if (told := lacking(error)) is None:
            raise
        _fail(str(told))
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except (KeyboardInterrupt, click.Abort):
        click.echo(
            "t2w: interrupted; what was written stays, and of a run or a sort the same command goes on",
            err=True,
        )
        sys.exit(_INTERRUPTED)
    except SystemExit:
        if sys.stdout is not stdout:  # click puts another one there when the reader has gone
            sys.exit(_CLOSED)
        raise
    except BrokenPipeError:  # `t2w classify ... | head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(_CLOSED)
    except OSError as error:
        if error.filename is not None:  # of a file, not of a stream
            raise
        _fail(f"cannot write to standard output: {error.strerror or error}")


@contextmanager
def _noting() -> Iterator[None]:
    """What the API warns of, as lines on standard error; other warnings as ever."""
    with warnings.catch_warnings():
        warnings.simplefilter("always", T2WWarning)
        others = warnings.showwarning

        def note(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
            if issubclass(category, T2WWarning):
                click.echo(f"note: {message}", err=True)
            else:
                others(message, category, *where, **more)

        warnings.showwarning = note
        yield


def _fail(sentence: str) -> None:
    click.echo(f"t2w: {sentence}", err=True)
    sys.exit(2)
