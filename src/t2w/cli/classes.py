"""`t2w classes`: what a generator knows by name, and how it understands names."""

from __future__ import annotations

import json
from typing import Any

import click

from t2w.errors import T2WError

__all__ = ["classes"]


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option(
    "--from", "source", default="embedded", show_default=True, metavar="GENERATOR", help="See `t2w generate`."
)
@click.option("--json", "as_json", is_flag=True, help="A JSON array on standard output.")
def classes(names: tuple[str, ...], source: str, as_json: bool) -> None:
    """List the classes that are known by name; or, for names, what each is taken to mean, and what is nearest to it.

    \b
    t2w classes
    t2w classes crane "water lilly" flurb
    """
    from t2w.pipeline import TextToWeights

    writer = TextToWeights.from_pretrained(source)
    lexicon = writer.lexicon
    if not names:
        known = (
            [[name] for name in writer.class_names] if lexicon is None else [list(n) for n in lexicon.concepts.names]
        )
        click.echo(json.dumps(known, ensure_ascii=False) if as_json else "\n".join(map(", ".join, known)))
        return
    if lexicon is None:
        raise T2WError("this generator reads texts alone and chooses no meanings", fix="call it without names")
    answers: list[dict[str, Any]] = []
    for name in names:
        (choice,) = lexicon.understand([name])
        senses = [choice.sense, *choice.others] if choice.sense else []
        answers.append(
            {
                "name": name,
                "noun": choice.noun,
                "senses": [{"kind": s.kind, "names": list(s.names), "id": s.key} for s in senses],
                "nearest_known": list(lexicon.nearest(name)),
            }
        )
    click.echo(json.dumps(answers, ensure_ascii=False, indent=2) if as_json else "\n".join(map(_told, answers)))


def _told(answer: dict[str, Any]) -> str:
    lines = [f"  {s['kind']} ({', '.join(s['names'])})  {s['id']}" for s in answer["senses"]]
    read = "" if answer["noun"] in (answer["name"], None) else f' (as "{answer["noun"]}")'
    head = f"{answer['name']}{read}:" + ("" if lines else " not in the dictionary, goes by its spelling")
    return "\n".join([head, *lines, f"  nearest known: {', '.join(answer['nearest_known'])}"])
