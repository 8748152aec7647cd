"""What is known of the one who sent a request, beside what MoinMoin makes of it."""

from __future__ import annotations

from typing import Any

from flask import request
from moin import flaskg

from session_store import Token, token_in_header

from .profiles import AUTH_METHOD


def token(cookie_name: str) -> Token | None:
    """Return what the browser's cookie holds, if that has the form of a token."""
    return token_in_header(request.environ.get("HTTP_COOKIE"), cookie_name)


def is_of_the_site() -> bool:
    """Whether the site has said who this is; once MoinMoin has set up the request."""
    user: Any = getattr(flaskg, "user", None)
    return bool(user is not None and user.valid and user.auth_method == AUTH_METHOD)
