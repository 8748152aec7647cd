"""The middleware that notes who was here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from ..conf import problems as wiki_problems
from .options import problems
from .sending import asend, send
from .visitors import auser_of, calls_for, is_due, user_of


class WhosOnlineMiddleware:
    """Notes each visitor after the response: members by user, guests by address; stands after AuthenticationMiddleware.

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
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        """Answer, and note who asked."""
        if self._is_async:
            return self._answer(request)
        response: HttpResponseBase = self.get_response(request)
        if is_due(request):
            send(calls_for(request, user_of(request)))
        return response

    async def _answer(self, request: HttpRequest) -> HttpResponseBase:
        response: HttpResponseBase = await self.get_response(request)
        if is_due(request):
            await asend(calls_for(request, await auser_of(request)))
        return response
