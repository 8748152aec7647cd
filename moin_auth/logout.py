"""Logout: ends the session for wiki and site, when the reader has asked for that and no foreign page."""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import quote

import flask
from flask import Flask, Response, has_request_context, request
from moin import flaskg
from moin.i18n import _
from werkzeug.datastructures import ImmutableMultiDict, MultiDict

from session_store import Store, StoreUnavailable, Token
from session_store.throttle import Throttle

from . import reader
from .door import Doorkeeper
from .login import address_to_return_to
from .pages import before_views, link_values, page
from .places import NEXT, Places, given, go, local
from .profiles import AUTH_METHOD

_log = logging.getLogger(__name__)

#: The field that carries the session's key.
KEY = "key"

#: MoinMoin's own field: on whatever page it comes, that page is served as if nobody were logged in.
_MOINS = "logout_submit"


class Logout(Doorkeeper):
    """Ends the session in Redis, then leads to the site, which logs out too.

    Args:
        places: where the site is. Where that is not known, single sign-out ends the site's session at its next request.
        store: the sessions.
        cookie_name: which cookie holds the token.
    """

    def __init__(self, places: Places, store: Store, cookie_name: str) -> None:
        self._places = places
        self._store = store
        self._cookie_name = cookie_name
        self._throttle = Throttle(seconds=60)

    def prepare(self, app: Flask) -> None:
        """Let the themes show Logout to the site's users, with the session's key, and stand before that view."""
        can_logout = app.cfg.auth_can_logout  # type: ignore[attr-defined]
        if AUTH_METHOD not in can_logout:
            can_logout.append(AUTH_METHOD)
        link_values(app, self._add_key)
        before_views(app, self._answer)

    def admit(self) -> None:
        """Take MoinMoin's own field out of a request."""
        if _MOINS in request.args:
            request.args = _without(request.args)
        if _MOINS in request.form:
            request.form = _without(request.form)

    def _add_key(self, endpoint: str, values: dict[str, Any]) -> None:
        if endpoint != "frontend.logout" or not has_request_context():
            return
        values.setdefault(NEXT, address_to_return_to())
        if reader.is_of_the_site() and (token := reader.token(self._cookie_name)):
            values.setdefault(KEY, token.logout_key)

    def _answer(self) -> Response | None:
        # MoinMoin knows the view for GET alone: a POST would reach the page of that name.
        if request.endpoint != "frontend.logout" and (request.method, request.path) != ("POST", "/+logout"):
            return None
        if flaskg.user.valid and not reader.is_of_the_site():
            return None  # somebody whom another auth method has logged in
        token = reader.token(self._cookie_name)
        if token is None and reader.is_of_the_site() and self._places.site_url:
            return go(self._places.leave(given()))  # known by an old cookie, which the site alone can take back
        asked = request.method in {"GET", "POST"} and token is not None
        if asked and token and token.is_logout_key(request.values.get(KEY, "")):
            return self._leave(token, given())
        return self._page("ask" if token else "nobody", token)

    def _leave(self, token: Token, address: str) -> Response:
        ended = self._end(token)
        if not ended and not self._places.site_url:
            return self._page("failed", token, status=503)
        flask.session.clear()  # what MoinMoin remembers of this reader is not the next one's business
        if ended:
            flask.flash(_("You are logged out."), "info")
        return go(self._places.leave(address, token.logout_key) if self._places.site_url else address)

    def _end(self, token: Token) -> bool:
        """End the session; False: Redis can't be asked, or its answer makes no sense."""
        try:
            session = self._store.read(token)
            if session:
                self._store.end(session.ref, "logout")
        except StoreUnavailable as error:
            if self._throttle.allows("away"):
                _log.warning("%s; a log-out in the wiki did not end the session", error)
            return False
        except Exception:  # noqa: BLE001 - an answer that makes no sense may fail anywhere on its way here
            if self._throttle.allows("odd"):
                _log.exception(
                    "Redis gave an answer that makes no sense; a log-out in the wiki did not end the session"
                )
            return False
        return True

    def _page(self, state: str, token: Token | None, *, status: int = 200) -> Response:
        address = given()
        leave = self._places.leave(address) if self._places.site_url else ""
        out = local(f"/+logout?{NEXT}={quote(address, safe='')}&{KEY}={token.logout_key}") if token else ""
        return page("logout.html", status=status, state=state, out=out, leave=leave)


def _without(fields: MultiDict[str, str]) -> ImmutableMultiDict[str, str]:
    return ImmutableMultiDict([pair for pair in fields.items(multi=True) if pair[0] != _MOINS])
