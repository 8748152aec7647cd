"""The wiki's cookie, as the site reads and sets it."""

from __future__ import annotations

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from session_store import Token, token_in_header

from .conf import conf


def read_cookie(request: HttpRequest) -> Token | None:
    """Return the token that the browser sent, if it sent one that has a token's form."""
    return token_in_header(request.META.get("HTTP_COOKIE"), conf.cookie_name)


def set_cookie(response: HttpResponseBase, token: Token, max_age: int | None) -> None:
    """Give the browser a token; `max_age` in seconds, None: until the browser is closed."""
    response.set_cookie(
        conf.cookie_name,
        token.value,
        max_age=max_age,
        domain=conf.cookie_domain,
        path="/",
        secure=conf.cookie_secure,
        httponly=True,
        samesite=conf.cookie_samesite,  # type: ignore[arg-type] # checked by the settings
    )


def delete_cookie(response: HttpResponseBase) -> None:
    """Take the cookie from the browser; all attributes must be as they were when it was set."""
    response.set_cookie(
        conf.cookie_name,
        "",
        max_age=0,
        expires="Thu, 01 Jan 1970 00:00:00 GMT",
        domain=conf.cookie_domain,
        path="/",
        secure=conf.cookie_secure,
        httponly=True,
        samesite=conf.cookie_samesite,  # type: ignore[arg-type] # checked by the settings
    )
