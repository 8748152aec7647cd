"""The way from the wiki to the site's log-in and back, and the way out of both."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render, resolve_url
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_deny
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_http_methods, require_safe

from .conf import conf
from .entry import is_let_in
from .redirects import allowed
from .visits import Visit

#: What browsers say of a way that no form of this site has begun; old ones, and all over plain HTTP, say nothing.
_FROM_ELSEWHERE = {"same-site", "cross-site", "none"}


@never_cache
@require_safe
@login_required
def enter(request: HttpRequest) -> HttpResponse:
    """Log in where needed, and go to ``next``; on this very response the middleware opens the wiki's session.

    Who may not enter the wiki is told so here: the wiki, which hears of nobody, could only guess why.
    """
    if not is_let_in(request.user):
        facts = {"name": request.user.get_username(), "next": _next(request)}
        return render(request, "django_hooks/not_let_in.html", facts, status=403)
    return _lead(request, _next(request) or conf.wiki_url or resolve_url(settings.LOGIN_REDIRECT_URL))


@never_cache
@xframe_options_deny
@csrf_protect
@require_http_methods(["GET", "HEAD", "POST"])
def leave(request: HttpRequest) -> HttpResponse:
    """Log out of site and wiki, and go to ``next``.

    A POST does it, and so does the link that the wiki has made for this browser's session; others are asked first.
    """
    if not request.user.is_authenticated:
        return _lead(request, _after(request))
    if request.method != "POST" and not _is_from_the_wiki(request):
        asked = {"name": request.user.get_username(), "next": _next(request)}
        return render(request, "django_hooks/leave.html", asked)
    visit = Visit.of(request)
    logout(request)
    if visit is not None and visit.blind:
        return render(request, "django_hooks/left.html", {"after": _after(request)})
    return _lead(request, _after(request))


def _lead(request: HttpRequest, target: str) -> HttpResponse:
    """Lead to a page; to another origin by a redirect only where that can't be the end of a form's way.

    A site whose Content-Security-Policy says ``form-action 'self'`` forbids its log-in form to be redirected off the
    site, whoever redirects. So a page stands between, which goes on by itself.
    """
    parts = urlsplit(target)
    foreign = bool(parts.netloc) and (parts.scheme, parts.netloc) != (request.scheme, request.get_host())
    if not foreign or request.headers.get("Sec-Fetch-Site") in _FROM_ELSEWHERE:
        return HttpResponseRedirect(target)
    response = render(request, "django_hooks/onward.html", {"target": target})
    response["Refresh"] = f"0; url={target}"
    return response


def _is_from_the_wiki(request: HttpRequest) -> bool:
    """Whether the key is that of the session which the site remembers; a cookie may be planted by a host beside it."""
    visit = Visit.of(request)
    token = visit.note.opened if visit and visit.note else None
    return request.method == "GET" and token is not None and token.is_logout_key(request.GET.get("key", ""))


def _after(request: HttpRequest) -> str:
    given = settings.LOGOUT_REDIRECT_URL
    return _next(request) or (resolve_url(given) if given else conf.wiki_url or "/")


def _next(request: HttpRequest) -> str | None:
    return allowed(request.POST.get("next") or request.GET.get("next"), conf.wiki_url)
