"""One name for this machine."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect


class OneHostMiddleware:
    """Sends browsers from 127.0.0.1 to localhost: a cookie for one name is not sent to the other."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, or redirect."""
        if request.get_host().startswith("127.0.0.1"):
            return HttpResponseRedirect(f"http://localhost:{request.get_port()}{request.get_full_path()}")
        return self._get_response(request)
