"""Login: every page's link leads to the site's log-in and back to that very page."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from flask import Flask, Response, has_request_context, request
from markupsafe import Markup
from moin import current_app, flaskg
from moin.i18n import _

from session_store import Store, Token

from . import reader
from .door import Doorkeeper
from .pages import before_views, link_values, page
from .places import NEXT, Places, given, go, here, local
from .proof import Proof

#: Pages that nobody wants to return to after a log-in.
DOORS = {"login", "logout", "register", "verifyemail", "lostpass", "recoverpass"}

#: The query's field that marks the return from a log-in.
RETURNED = "returned"

#: What Redis is asked about to see whether it answers: where it is away, the site gives nobody a cookie.
_NOBODYS = Token("0." + "-" * 43, 0)

#: What MoinMoin calls a log-in without a form of its own; alone, it makes all themes link to the log-in view at once.
INPUTS = ["special_no_input"]


class Login(Doorkeeper):
    """Leads to the site. Who returns from there and is still anonymous reads why, and is not sent round again.

    Args:
        places: where the site is.
        proof: says whose session the request's cookie names.
        store: the sessions.
        cookie_name: which cookie holds the token.
    """

    def __init__(self, places: Places, proof: Proof, store: Store, cookie_name: str) -> None:
        self._places = places
        self._proof = proof
        self._store = store
        self._cookie_name = cookie_name

    def prepare(self, app: Flask) -> None:
        """Extend the themes' links, and stand before the log-in view."""
        link_values(app, _add_next)
        before_views(app, self._answer)

    def _answer(self) -> Response | None:
        if request.endpoint != "frontend.login":
            return None
        address = given()
        if flaskg.user.valid:
            return go(address)
        if RETURNED in request.args or not self._places.site_url:
            return self._explain(address)
        if current_app.cfg.auth_login_inputs != INPUTS:
            return None  # the wiki has log-in forms too; they show a link to the site
        return go(self._places.enter(_way_back(address)))

    def hint(self) -> str | None:
        """Return the link that stands above other log-in forms."""
        if not self._places.site_url:
            return None
        return Markup('<a href="{}">{}</a>').format(self._places.enter(_way_back(given())), _("Log in on the site"))

    def _explain(self, address: str) -> Response:
        problem = self._problem()
        status = 503 if problem == "away" else 403
        return page(
            "login_failed.html",
            status=status,
            problem=problem,
            refusal=reader.refusal(),
            again=self._places.enter(_way_back(address)),
            afresh=self._places.enter_afresh(_way_back(address)),
            back=local(address),
        )

    def _problem(self) -> str:
        if not self._places.site_url:
            return "no site"
        if self._proof.person():
            return "refused"
        token = reader.token(self._cookie_name)
        try:
            lives_after_all = self._store.read(token or _NOBODYS)
        except Exception:  # noqa: BLE001 - it is away, or its answer makes no sense, which may fail anywhere
            return "away"
        if token is None:
            return "no cookie"
        return "away" if lives_after_all else "unknown"


def _way_back(address: str) -> str:
    """Return where the site's log-in returns to: here, so that who is still anonymous is told why."""
    return f"/+login?{NEXT}={quote(address, safe='')}&{RETURNED}=1"


def _add_next(endpoint: str, values: dict[str, Any]) -> None:
    if endpoint == "frontend.login" and has_request_context():
        values.setdefault(NEXT, address_to_return_to())


def address_to_return_to() -> str:
    """Return the address of this page; on a way in or out, where that leads."""
    blueprint, _, view = (request.endpoint or "").partition(".")
    return given() if blueprint == "frontend" and view in DOORS else here()
