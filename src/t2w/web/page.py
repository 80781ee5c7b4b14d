"""The page: names, pictures, the board, downloads, and what happens at each change."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.resources import files
from time import monotonic
from typing import Any, TypeAlias

import gradio as gr

from t2w.errors import T2WError
from t2w.tasks import parse_described
from t2w.web import views
from t2w.web.actions import meant, move
from t2w.web.downloads import DOWNLOADS, prepare
from t2w.web.engine import Engine
from t2w.web.session import Session
from t2w.web.sessions import Sessions

__all__ = ["build_page", "page_head", "page_style", "page_theme"]

_Parts: TypeAlias = tuple[str, str, str]  # notes, meanings and board, as HTML
_REDRAW = 1.5  # seconds between drawings of the board while pictures are encoded
_STORE = "token => { sessionStorage.setItem('t2w', token); }"
_STORED = "() => [sessionStorage.getItem('t2w') || '']"
_FETCH = "address => { if (address) t2w.fetch(address); }"
_ASK = "token => t2w.restart(token)"
_RESTART = "() => t2w.restarted()"


@dataclass(frozen=True)
class _Page:
    """The handlers of the page's events; each answers with the three live parts of the page."""

    engine: Engine
    sessions: Sessions

    def opened(self, token: str, request: gr.Request) -> tuple[Any, ...]:
        """A page was opened or reloaded."""
        try:
            session = self.sessions.open(str(request.session_hash), token)
            if self.engine.given is not None and session.classifier is None:
                self.engine.write(session)
        except T2WError as error:
            return "", gr.update(), gr.update(), _alarm(error), "", ""
        typed = gr.update(value=session.typed) if self.engine.given is None else gr.update()
        return session.token, typed, gr.update(value=session.learn), *self._view(session)

    def write(self, token: str, typed: str) -> _Parts:
        """The names were typed."""

        def change(session: Session) -> None:
            lines = (line.strip(" \t,") for line in typed.splitlines())
            session.typed = ", ".join(line for line in lines if line)
            parse_described(session.typed)  # nothing typed is an error, too

        return self._changed(token, change)

    def mean(self, token: str, event: gr.EventData) -> _Parts:
        """A meaning was chosen, or a class described."""
        return self._changed(token, lambda session: meant(session, event._data))

    def learn(self, token: str, learn: bool) -> _Parts:
        """Pictures without labels are to be evidence, or no longer."""
        return self._changed(token, lambda session: setattr(session, "learn", learn))

    def act(self, token: str, event: gr.EventData) -> _Parts:
        """Pictures were moved to another column."""
        return self._changed(token, lambda session: move(session, event._data))

    def sent(self, token: str) -> Iterator[_Parts]:
        """Pictures have arrived, or were there when the page was reloaded."""
        drawn = 0.0
        try:
            session = self.sessions.of_token(token)
            session.told = ""
            for _ in self.engine.encode(session):
                if monotonic() - drawn > _REDRAW:
                    drawn = monotonic()
                    yield self._view(session)
        except T2WError as error:
            said = _alarm(error) if token else gr.skip()  # a page that could not be opened says why
            yield said, gr.skip(), gr.skip()
        else:
            learns = session.learn and session.classifier is not None
            yield self._changed(token, lambda session: None) if learns else self._view(session)

    def fetch(self, token: str, name: str) -> Iterator[tuple[str, str]]:
        """A download is wanted: its address, and what there is to say of it."""
        yield "", views.note([f"Writing {name} ..."])
        try:
            with self.sessions.writing(token) as session:
                prepare(session, name)
        except T2WError as error:
            yield "", _alarm(error)
        else:
            yield f"t2w/{token}/files/{name}", views.note([f"{name} is written."])

    def closed(self, request: gr.Request) -> None:
        self.sessions.leave(str(request.session_hash))

    def _changed(self, token: str, change: Callable[[Session], None]) -> _Parts:
        try:
            session = self.sessions.of_token(token)
        except T2WError as error:
            return _alarm(error), gr.skip(), gr.skip()
        try:
            with session.changing():
                change(session)
                if session.typed or self.engine.given is not None:
                    self.engine.write(session)
        except T2WError as error:
            return (_alarm(error), *self._view(session)[1:])
        return self._view(session)

    def _view(self, session: Session) -> _Parts:
        with session.lock:
            return views.note(session.notes), views.meanings(session), views.board(session)


def _alarm(error: T2WError) -> str:
    return views.note([str(error)], alarm=True)


def build_page(engine: Engine, sessions: Sessions) -> gr.Blocks:
    """The page as Gradio holds it; it needs `page_head` and `page_style`."""
    on = _Page(engine, sessions)
    with gr.Blocks(title="t2w", analytics_enabled=False, fill_width=True) as page:
        token = gr.Textbox(visible=False)
        _html(
            "<div class='t2w-intro'><h1>Words become weights</h1><p>Name the classes, add pictures, put right what is "
            "wrong, take the classifier away. Nothing leaves this machine.</p></div>"
        )
        _step("1. Name the classes")
        names = gr.Textbox(
            value=", ".join(engine.given.classes) if engine.given is not None else "",
            label="Classes",
            info='With commas between them, or one a line; "tabby=a striped cat" describes one.',
            placeholder="cat, school bus, pizza",
            lines=2,
            max_lines=8,
            interactive=engine.given is None,
        )
        write = gr.Button("Write the classifier", variant="primary", elem_id="t2w-write", visible=engine.given is None)
        notes = _html(elem_id="t2w-notes")
        meanings = _html(js_on_load="t2w.meanings(element, data => trigger('mean', data), watch)")
        _step("2. Add pictures")
        drop = _html(views.drop_zone(sessions.bounds), js_on_load="t2w.drop(element, data => trigger('sent', data))")
        learn = gr.Checkbox(
            label="Learn from the pictures as they are",
            info="Without labels, they show what such pictures look like, and which meaning of a word is right.",
            visible=engine.takes_evidence,
        )
        _step(
            "3. Put right what is wrong",
            "<span class='t2w-wide'>Drag pictures to their column. Or choose some (click, or Enter), then the column; "
            "on the keyboard, arrows go from picture to picture, 1 to 9 put one into that class, 0 into none of these."
            "</span><span class='t2w-narrow'>Tap pictures to choose them, then their column in the bar below.</span>",
        )
        board = _html(elem_id="t2w-board", js_on_load="t2w.board(element, data => trigger('act', data), watch)")
        _step("4. Take it away")
        with gr.Row():
            buttons = {
                name: gr.Button(label, elem_id=f"t2w-{name.partition('.')[2]}") for name, label in DOWNLOADS.items()
            }
        ready = _html(elem_id="t2w-ready")
        address = gr.Textbox(visible=False)

        restart = gr.Button("Start over: remove the pictures and forget the names", size="sm", elem_id="t2w-restart")
        quiet: Any = {"show_progress": "hidden", "api_visibility": "private"}
        view: Any = {"outputs": [notes, meanings, board], **quiet}
        opened = page.load(on.opened, [token], [token, names, learn, *view["outputs"]], js=_STORED, **quiet)
        opened.then(None, [token], None, js=_STORE, **quiet).then(on.sent, [token], **view)
        page.unload(on.closed)
        write.click(on.write, [token, names], **view)
        meanings.mean(on.mean, [token], **view)
        drop.sent(on.sent, [token], **view)
        learn.input(on.learn, [token, learn], **view)
        board.act(on.act, [token], **view)
        restart.click(sessions.end, [token], None, js=_ASK, **quiet).then(None, None, None, js=_RESTART, **quiet)
        for name, button in buttons.items():
            fetched = button.click(on.fetch, [token, gr.State(name)], [address, ready], **quiet)
            fetched.then(None, [address], None, js=_FETCH, **quiet)
    return page.queue(default_concurrency_limit=8, max_size=64)


def page_head() -> str:
    """What stands in the page's head: the script of its live parts."""
    return f"<script>{_text('page.js')}</script>"


def page_style() -> str:
    """The page's style sheet."""
    return _text("page.css")


def page_theme() -> gr.themes.Base:
    """Gradio's looks with fonts that every machine has, for none is fetched, and greys that can be read."""
    fonts: Any = {"font": ["system-ui", "sans-serif"], "font_mono": ["ui-monospace", "monospace"]}
    grey, light = "#5b5b66", "#b8b8c4"
    return gr.themes.Default(primary_hue="teal", spacing_size="sm", **fonts).set(
        body_text_color_subdued=grey, body_text_color_subdued_dark=light, block_info_text_color=grey,
        block_info_text_color_dark=light, block_label_text_color=grey, input_placeholder_color=grey,
        input_placeholder_color_dark=light, button_primary_background_fill="#0f766e",
        button_primary_background_fill_hover="#115e59", button_primary_text_color="white",
    )  # fmt: skip


def _text(name: str) -> str:
    return files("t2w.web").joinpath(name).read_text(encoding="utf-8")


def _step(heading: str, how: str = "") -> None:
    said = f"<p class='t2w-fine'>{how}</p>" if how else ""
    _html(f"<div class='t2w-step'><h2>{heading}</h2>{said}</div>")


def _html(value: str = "", **given: Any) -> gr.HTML:
    """HTML in the page's own style."""
    return gr.HTML(value, apply_default_css=False, **given)
