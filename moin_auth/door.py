"""The door of a wiki: who stands there sees each request before MoinMoin does, and each response after it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

import flask
from flask import Flask, Response


class Doorkeeper:
    """Looks at what comes in and goes out; each keeper overrides what it needs."""

    def prepare(self, app: Flask) -> None:
        """Make a wiki ready, once, before its first request: URL defaults, template loaders and the like.

        What it raises is raised again at every request: a wiki that can't be guarded serves nothing.
        """

    def admit(self) -> None:
        """Look at a request before MoinMoin does; ``flask.abort(response)`` answers it, with a response only."""

    def dismiss(self, response: Response) -> None:
        """Look at a response before it leaves, and change its headers."""


class Door:
    """Calls doorkeepers, in their order, for the wikis that use an auth method.

    An auth method is made while the wiki's configuration is read, before there is an app; Flask's signals reach it.
    They hold it weakly: the door stands as long as somebody keeps it.
    """

    def __init__(self, method: Any, keepers: Sequence[Doorkeeper]) -> None:
        self._method = method
        self._keepers = tuple(keepers)
        self._lock = threading.Lock()
        self._prepared: WeakKeyDictionary[Flask, Exception | None] = WeakKeyDictionary()
        flask.appcontext_pushed.connect(self._on_context)
        flask.request_started.connect(self._on_request)
        flask.request_finished.connect(self._on_response)

    def _on_context(self, app: Flask, **_: Any) -> None:
        if self._is_of(app) and app not in self._prepared:
            with self._lock:
                if app not in self._prepared:
                    self._prepared[app] = self._prepare(app)

    def _on_request(self, app: Flask, **_: Any) -> None:
        if not self._is_of(app):
            return
        self._on_context(app)
        if problem := self._prepared[app]:
            raise problem.with_traceback(None)  # it would grow with each request
        for keeper in self._keepers:
            keeper.admit()

    def _on_response(self, app: Flask, response: Response, **_: Any) -> None:
        if self._is_of(app):
            for keeper in self._keepers:
                keeper.dismiss(response)

    def _prepare(self, app: Flask) -> Exception | None:
        """Prepare an app; a problem is kept for its requests.

        Raised here, inside Flask's push of a context, it would leave that context behind, and the thread's next request
        would find it and not be looked at.
        """
        try:
            for keeper in self._keepers:
                keeper.prepare(app)
        except Exception as problem:  # noqa: BLE001 - whatever it is, the wiki must not be served
            return problem
        return None

    def _is_of(self, app: Flask) -> bool:
        return any(method is self._method for method in getattr(getattr(app, "cfg", None), "auth", ()))
