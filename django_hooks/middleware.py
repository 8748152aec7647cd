"""The middleware: around each view it holds what `visits` says must hold."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib.auth import logout
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from session_store import StoreUnavailable

from .conf import conf, problems
from .cookies import delete_cookie, set_cookie
from .stores import get_store, note_unavailable
from .visits import Grant, Plan, Visit
from .whos_online.middleware import WhosOnlineMiddleware

__all__ = ["WhosOnlineMiddleware", "WikiMiddleware"]


class WikiMiddleware:
    """Keeps the wiki's session in step with the site's; stands after AuthenticationMiddleware.

    Raises:
        ImproperlyConfigured: a ``WIKI_…`` setting can't be used.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        wrong = problems()
        if wrong:
            raise ImproperlyConfigured("; ".join(wrong))

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Check the session, let the view run, settle what it has changed."""
        if not conf.enabled:
            return self.get_response(request)
        visit = Visit.begin(request)
        _look(visit)
        response = self.get_response(request)
        _settle(visit, response)
        return response


def _look(visit: Visit) -> None:
    tokens = visit.tokens
    if not tokens:
        return
    try:
        visit.learn(get_store().check(tokens, age=visit.following_age))
    except StoreUnavailable as error:
        visit.blind = True
        note_unavailable(error, "nobody is logged in to the wiki, and log-outs there are not seen here")
    if visit.over and conf.single_sign_out:
        logout(visit.request)


def _settle(visit: Visit, response: HttpResponseBase) -> None:
    plan = visit.plan(response)
    grant = plan.grant
    try:
        grant = _carry_out(visit, plan) or grant
    except StoreUnavailable as error:
        note_unavailable(error, "the wiki's session could not be opened or ended")
    if grant is not None:
        set_cookie(response, grant.token, _max_age(visit, grant))
    elif plan.forbids:
        delete_cookie(response)


def _carry_out(visit: Visit, plan: Plan) -> Grant | None:
    store = get_store()
    if plan.opens is not None:
        note, person = plan.opens
        keys = store.keys.of_user(person.user_id)
        opening = store.open(
            note.token(keys.number),
            person,
            expires_at=note.expires,
            age=plan.age,
            idle=conf.idle_timeout,
            replaces=plan.replaces,
            lost=plan.lost,
        )
        return visit.remember(note, keys.number, opening)
    if plan.renews is not None:
        store.renew(plan.renews, age=plan.age)
    if plan.replaces:
        store.end_all(plan.replaces, "replaced")
    if plan.leaves is not None:
        store.end(plan.leaves, "logout")
    return None


def _max_age(visit: Visit, grant: Grant) -> int | None:
    """Return the cookie's age in seconds, None where it lives as long as the browser, like Django's."""
    if conf.age is None and visit.request.session.get_expire_at_browser_close():
        return None
    return max(1, grant.left // 1000)
