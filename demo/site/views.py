"""The site's pages."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from demo.audit_line import AuditLine

#: Lines of the audit log shown; the file has them all.
SHOWN = 20


def home(request: HttpRequest) -> HttpResponse:
    """Who you are, and where to go."""
    return render(request, "site/home.html", {"remaining": _remaining(request)})


@login_required
def audit(request: HttpRequest) -> HttpResponse:
    """What the audit log is, and its last lines."""
    return render(request, "site/audit.html", {"lines": _last_lines(), "file": settings.AUDIT_LOG})


def _remaining(request: HttpRequest) -> str:
    began: datetime | None = getattr(request.user, "last_login", None)
    if not began:
        return ""
    seconds = (began + timedelta(seconds=settings.WIKI_COOKIE_AGE) - timezone.now()).total_seconds()
    minutes, rest = divmod(max(0, round(seconds)), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _last_lines() -> list[AuditLine]:
    try:
        with settings.AUDIT_LOG.open("rb") as file:
            raw = deque(file, SHOWN)
    except FileNotFoundError:
        return []
    return [line for line in map(AuditLine.parse, reversed(raw)) if line]
