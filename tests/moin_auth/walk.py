"""A walk through every route of a wiki, by GET and POST, noting for whom each was served."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType

import flask
from flask.testing import FlaskClient
from moin import flaskg
from moin.app import is_static_content
from werkzeug.routing import Rule

#: What fills a route's variable parts.
PARTS = {"item_name": "Home", "rev": "current", "namespace": "users", "tag": "tag", "filename": "x", "name": "x"}

#: What other auth methods of moin believe: each request says it too.
CLAIMS = {"auth": ("sally", "sally"), "environ_overrides": {"REMOTE_USER": "sally"}}


@dataclass(frozen=True)
class Served:
    """How one request was answered.

    Attributes:
        reader: the name it was served under; None as anonymous.
        revived: what moin's session says afterwards about a user; nothing where moin sets up no user at all.
    """

    method: str
    path: str
    status: int
    text: str
    reader: str | None
    revived: tuple[str, ...]


class Walk:
    """Walks through a wiki.

    Args:
        app: the wiki.
    """

    def __init__(self, app: flask.Flask) -> None:
        self._app = app
        app.config["PROPAGATE_EXCEPTIONS"] = False

    def with_fields(self, client: FlaskClient, fields: Mapping[str, str], before=lambda: None) -> Iterator[Served]:
        """Walk once, with fields in the query string or in the form.

        Args:
            client: the browser.
            fields: what each request carries.
            before: called before each request.
        """
        for rule in self._app.url_map.iter_rules():
            for method in sorted(rule.methods & {"GET", "POST"}):
                before()
                yield self._ask(client, method, path_of(rule), fields)

    def _ask(self, client: FlaskClient, method: str, path: str, fields: Mapping[str, str]) -> Served:
        seen: list[tuple[str | None, tuple[str, ...]]] = []
        with _listening(self._app, seen):
            carried = {"query_string" if method == "GET" else "data": dict(fields)}
            response = client.open(path, method=method, **carried, **CLAIMS)
        (reader, revived), *_ = seen
        return Served(method, path, response.status_code, response.text, reader, revived)


def path_of(rule: Rule) -> str:
    """Fill a route's variable parts."""
    return re.sub(r"<(?:[^:>]+:)?([^>]+)>", lambda part: PARTS.get(part[1], "sally"), rule.rule)


def fields_read_by(module: ModuleType) -> set[str]:
    """Find the texts that a module looks up by subscript, ``get`` or ``in``: the fields that it reads."""
    tree = ast.parse(inspect.getsource(module))
    found: list[ast.expr] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript):
            found.append(node.slice)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in {"get", "pop"}:
            found += node.args[:1]
        elif isinstance(node, ast.Compare) and any(isinstance(op, ast.In) for op in node.ops):
            found.append(node.left)
    return {node.value for node in found if isinstance(node, ast.Constant) and isinstance(node.value, str)}


@contextmanager
def _listening(app: flask.Flask, seen: list[tuple[str | None, tuple[str, ...]]]) -> Iterator[None]:
    def note(_: flask.Flask, **__: object) -> None:
        user = getattr(flaskg, "user", None)
        session = tuple(sorted(key for key in flask.session if key.startswith("user.") or key == "site_user"))
        static = is_static_content(flask.request.path)
        seen.append((user.name0 if user is not None and user.valid else None, () if static else session))

    with flask.request_finished.connected_to(note, app):
        yield
