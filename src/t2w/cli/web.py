"""`t2w web`: the page."""

from __future__ import annotations

import click

from t2w.errors import T2WError

__all__ = ["web"]


@click.command()
@click.option(
    "--port", type=click.IntRange(1, 65535), metavar="PORT", help="By default 7860, or the next one that is free."
)
@click.option(
    "--host", default="127.0.0.1", show_default=True, metavar="ADDRESS", help="Where it listens; 0.0.0.0: everywhere."
)
@click.option("--generator", metavar="GENERATOR", help="embedded (the default), a run's folder, or a generator's file.")
@click.option("--classifier", metavar="FILE.t2w", help="Use and improve this classifier; its classes stay as they are.")
@click.option("--device", default="auto", show_default=True, help="cpu, cuda, cuda:1, mps.")
def web(port: int | None, host: str, generator: str | None, classifier: str | None, device: str) -> None:
    """Open a page on this machine: name classes, see pictures sorted, put some right, take the classifier away.

    Only this machine can open it, unless --host says otherwise; it needs no network and tells nobody anything. Ctrl-C
    ends it and removes what was uploaded.

    \b
    t2w web
    t2w web --classifier mine.t2w --port 8000
    """
    if generator is not None and classifier is not None:
        raise T2WError("both --generator and --classifier", expected="one of the two")
    from importlib.metadata import version

    from t2w.extras import needs
    from t2w.web.bounds import Bounds, megabytes
    from t2w.web.server import LOOPBACK, address_of, listen, serve

    with listen(host, port) as listening:
        with needs("the page"):
            version("gradio")  # said before anything is loaded; imported once there is a folder for its files

        from t2w.classifier import Classifier
        from t2w.pipeline import EMBEDDED, TextToWeights
        from t2w.web.engine import Engine

        given = None if classifier is None else Classifier.load(classifier, device=device)
        writer = TextToWeights.from_pretrained(generator or EMBEDDED, device=device) if given is None else None
        engine, bounds = Engine(writer, given), Bounds()
        _ = engine.encoder  # what is missing is said now, not at the first picture

        def ready() -> None:
            click.echo(f"t2w is at {address_of(listening)} (Ctrl-C ends it and removes what was uploaded)")
            if host not in LOOPBACK:
                most = megabytes(bounds.sessions * bounds.session_bytes)
                click.echo(
                    "note: everyone who can reach this machine at that port can open the page, use its processor and "
                    f"fill up to {most} of its disk; nothing is encrypted, and no password is asked for",
                    err=True,
                )

        serve(engine, listening, host=host, bounds=bounds, ready=ready)
