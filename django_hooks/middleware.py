"""The middleware: a journey around each view, with or without an event loop."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from .conf import conf, problems
from .journey import Journey, arrive, depart, leave
from .visits import Visit, current
from .whos_online.middleware import WhosOnlineMiddleware

__all__ = ["WhosOnlineMiddleware", "WikiMiddleware"]


class WikiMiddleware:
    """Keeps the wiki's session in step with the site's; stands after AuthenticationMiddleware.

    Raises:
        ImproperlyConfigured: a ``WIKI_…`` setting can't be used.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        wrong = problems()
        if wrong:
            raise ImproperlyConfigured("; ".join(wrong))
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        """Check the session, let the view run, settle what it has changed."""
        if not conf.enabled:
            return self.get_response(request)  # type: ignore[no-any-return] # a response, or what gives one
        return self._answer_soon(request) if self._is_async else self._answer(request)

    def _answer(self, request: HttpRequest) -> HttpResponseBase:
        visit = Visit.begin(request)
        if not visit.concerns_nobody:
            _go(arrive(visit))
        token = current.set(visit)
        try:
            response: HttpResponseBase = self.get_response(request)
            if not visit.concerns_nobody:
                _go(depart(visit, response))
        except BaseException:
            _go(leave(visit))
            raise
        finally:
            current.reset(token)
        return response

    async def _answer_soon(self, request: HttpRequest) -> HttpResponseBase:
        visit = Visit.begin(request)
        if not visit.concerns_nobody:
            await _go_soon(arrive(visit))
        token = current.set(visit)
        try:
            response: HttpResponseBase = await self.get_response(request)
            if not visit.concerns_nobody:
                await _go_soon(depart(visit, response))
        except BaseException:  # as where the client hangs up
            await _go_soon(leave(visit))
            raise
        finally:
            current.reset(token)
        return response


def _go(journey: Journey) -> None:
    try:
        deed = next(journey)
        while True:
            try:
                brought = deed.do()
            except Exception as error:  # noqa: BLE001 - the journey knows what to make of it
                deed = journey.throw(error)
            else:
                deed = journey.send(brought)
    except StopIteration:
        pass


async def _go_soon(journey: Journey) -> None:
    try:
        deed = next(journey)
        while True:
            try:
                brought = await deed.ado()
            except Exception as error:  # noqa: BLE001 - the journey knows what to make of it
                deed = journey.throw(error)
            else:
                deed = journey.send(brought)
    except StopIteration:
        pass
