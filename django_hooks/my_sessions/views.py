"""The pages: where I am logged in, and the ends of what I don't know."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_deny
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from session_store import Reason, StoreUnavailable

from ..conf import conf
from ..people import user_id
from ..stores import get_store, note_unavailable
from . import listing, proofs

#: What the next page tells, in the Django session: what was done, and with how many sessions.
DONE = "_wiki_sessions_done"

View = Callable[..., HttpResponse]

_log = logging.getLogger(__name__)


@never_cache
@xframe_options_deny
@require_safe
@login_required
def show(request: HttpRequest) -> HttpResponse:
    """Show where the user is logged in, and what ended lately."""
    sessions, away = [], False
    try:
        sessions = listing.live_sessions(request)
    except StoreUnavailable as error:
        away = True
        note_unavailable(error, "a user's sessions can't be shown")
    context = {
        "sessions": sessions,
        "others": any(not session.current for session in sessions),
        "away": away,
        "ended": listing.ended_sessions(request.user),
        "recorded": listing.is_recorded(),
        "days": listing.KEPT.days,
        "done": request.session.pop(DONE, None),
        "off": not conf.enabled,
        "single": conf.single_sign_out,
        "password": _password_page(),
    }
    return render(request, "django_hooks/sessions.html", context)


def _password_page() -> str:
    """Return where the site lets people change their password, where it calls that as Django does; else nothing."""
    try:
        return reverse("password_change")
    except NoReverseMatch:
        return ""


def _acting(view: View) -> View:
    """Wrap a page that asks, and acts when its form is sent; where Redis is away it says so."""

    @never_cache
    @xframe_options_deny
    @csrf_protect
    @sensitive_post_parameters("password")
    @require_http_methods(["GET", "HEAD", "POST"])
    @login_required
    def wrapped(request: HttpRequest, **words: Any) -> HttpResponse:
        try:
            return view(request, **words)
        except StoreUnavailable as error:
            note_unavailable(error, "sessions can't be ended by their users")
            return render(request, "django_hooks/sessions_away.html", status=503)

    return wrapped


@_acting
def end(request: HttpRequest, sid: str) -> HttpResponse:
    """End one of the user's sessions; this browser's own by logging out."""
    found = next((session for session in listing.live_sessions(request) if session.ref.sid == sid), None)
    if found is None:
        return _missing(request, sid)
    if found.current:
        return HttpResponseRedirect(reverse("django_hooks:leave"))
    if not _is_confirmed(request):
        return _ask(request, "django_hooks/end_session.html", session=found)
    reason = get_store().end(found.ref, Reason.REVOKED, actor=user_id(request.user))
    return _done(request, "one" if reason == Reason.REVOKED else "over", 1)


@_acting
def end_others(request: HttpRequest) -> HttpResponse:
    """End all of the user's sessions but this browser's."""
    if not _is_confirmed(request):
        count = sum(not session.current for session in listing.live_sessions(request))
        return _ask(request, "django_hooks/end_other_sessions.html", count=count)
    if not conf.enabled:
        return _done(request, "others", 0)
    mine = user_id(request.user)
    ends = get_store().end_user(mine, Reason.REVOKED, but=listing.current_token(request), actor=mine)
    return _done(request, "others", len(ends))


def _is_confirmed(request: HttpRequest) -> bool:
    """Whether the form was sent, by somebody who has shown lately who they are."""
    if request.method != "POST":
        return False
    return proofs.is_recent(request) or proofs.prove(request, request.POST.get("password", ""))


def _ask(request: HttpRequest, template: str, **context: Any) -> HttpResponse:
    recent = proofs.is_recent(request)
    user: Any = request.user
    context |= {
        "asks_password": not recent,
        "has_password": recent or user.has_usable_password(),
        "single": conf.single_sign_out,
        "wrong": request.method == "POST" and not recent,
    }
    return render(request, template, context)


def _missing(request: HttpRequest, sid: str) -> HttpResponse:
    if listing.was_named(request.user, sid, request.GET.get("key", "")):
        return _done(request, "over", 1)
    _log.warning("user %s asked for session %s, which is not theirs, and got a 404", user_id(request.user), sid)
    raise Http404


def _done(request: HttpRequest, what: str, count: int) -> HttpResponse:
    request.session[DONE] = {"what": what, "count": count}
    return HttpResponseRedirect(reverse("django_hooks:sessions"))
