"""The middleware that notes who was here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from ..conf import problems as wiki_problems
from .bots import get_ready
from .options import problems
from .sending import asend, send
from .visitors import acalls_for, auser_of, calls_for, is_due, is_known_later, user_of


class WhosOnlineMiddleware:
    """Notes each visitor, members by user, guests by address; stands after AuthenticationMiddleware and WikiMiddleware.

    Before the view, so that whoever looks at the list is on it; and after it, as the view may log in or out, or know
    better than the browser's session whose request it is.

    Raises:
        ImproperlyConfigured: a setting can't be used.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        wrong = [*wiki_problems(), *problems()]
        if wrong:
            raise ImproperlyConfigured("; ".join(wrong))
        get_ready()
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        """Answer, and note who asked."""
        if self._is_async:
            return self._answer(request)
        if not is_known_later(request):
            _note(request)
        response: HttpResponseBase = self.get_response(request)
        _note(request)
        return response

    async def _answer(self, request: HttpRequest) -> HttpResponseBase:
        if not is_known_later(request):
            await _anote(request)
        response: HttpResponseBase = await self.get_response(request)
        await _anote(request)
        return response


def _note(request: HttpRequest) -> None:
    if is_due(request):
        send(calls_for(request, user_of(request)))


async def _anote(request: HttpRequest) -> None:
    if is_due(request):
        await asend(await acalls_for(request, await auser_of(request)))
