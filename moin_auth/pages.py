"""Pages of our own, in the wiki's theme: their templates stand before MoinMoin's, and behind the operator's own."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from flask import Flask, Response, make_response
from jinja2 import ChoiceLoader, DictLoader, FileSystemLoader, TemplateNotFound
from moin.themes import render_template

from .door import Doorkeeper

TEMPLATES = Path(__file__).with_name("templates")

#: What MoinMoin's own ``usersettings_forms.html`` is called where ours, which replaces it, takes macros from it.
REPLACED = "moin_auth/usersettings_forms_of_moin.html"


class Pages(Doorkeeper):
    """Lets MoinMoin find our templates."""

    def prepare(self, app: Flask) -> None:
        """Put them into the order in which templates are looked for."""
        theirs = app.jinja_env.loader
        if theirs is None:
            raise RuntimeError("the wiki has no templates")
        operators = [FileSystemLoader(app.cfg.template_dirs)] if app.cfg.template_dirs else []  # type: ignore[attr-defined]
        # Kept in memory: MoinMoin lists all templates some ten times a page.
        ours = {path.relative_to(TEMPLATES).as_posix(): path.read_text("utf-8") for path in TEMPLATES.rglob("*.html")}
        with suppress(TemplateNotFound):
            ours[REPLACED] = theirs.get_source(app.jinja_env, "usersettings_forms.html")[0]
        app.jinja_env.loader = ChoiceLoader([*operators, DictLoader(ours), theirs])


def page(template: str, *, status: int = 200, **context: Any) -> Response:
    """Return a page that no other page may frame and no cache keep."""
    response: Response = make_response(render_template(f"moin_auth/{template}", **context), status)
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Frame-Options"] = "DENY"
    return response


def before_views(app: Flask, answer: Callable[[], Response | None]) -> None:
    """Ask a function before each view, once MoinMoin has set up the request; what it returns is the answer."""
    # Flask's before_request refuses additions once an app has served a request; that is too early for some of ours.
    app.before_request_funcs.setdefault(None, []).append(answer)


def link_values(app: Flask, add: Callable[[str, dict[str, Any]], None]) -> None:
    """Ask a function for more values whenever a link is made."""
    app.url_default_functions.setdefault(None, []).append(add)
