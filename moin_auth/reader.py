"""What is known of the one who sent a request, beside what MoinMoin makes of it."""

from __future__ import annotations

from typing import Any

from flask import request
from moin import flaskg

from session_store import Token, token_in_header

from .profiles import AUTH_METHOD

#: Where in a request's environ it is kept why the wiki doesn't serve a user of the site. No header reaches that name.
_REFUSAL = "moin_auth.refusal"


def token(cookie_name: str) -> Token | None:
    """Return what the browser's cookie holds, if that has the form of a token."""
    return token_in_header(request.environ.get("HTTP_COOKIE"), cookie_name)


def is_of_the_site() -> bool:
    """Whether the site has said who this is; once MoinMoin has set up the request."""
    user: Any = getattr(flaskg, "user", None)
    return bool(user is not None and user.valid and user.auth_method == AUTH_METHOD)


def note_refusal(reason: str) -> None:
    """Note why the request's user is served as anonymous, for that user to read."""
    request.environ[_REFUSAL] = reason


def refusal() -> str:
    """Return what was noted; empty: nothing."""
    return str(request.environ.get(_REFUSAL, ""))
