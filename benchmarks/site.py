"""A Django site around the middleware: ``python -m benchmarks.site URL CALLS`` prints what requests take, as JSON."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable

import django
import redis
from django.conf import settings
from django.http import HttpRequest, HttpResponse

from .spread import median, percentile
from .timing import TURN

APPS = ["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", "django_hooks"]


def set_up(url: str) -> None:
    """Configure Django: a database in memory, the middleware as the README has it."""
    settings.configure(
        SECRET_KEY="only for this measurement",  # noqa: S106 - nobody else meets it
        ALLOWED_HOSTS=["testserver"],
        INSTALLED_APPS=APPS,
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        USE_TZ=True,
        WIKI_REDIS_URL=url,
        WIKI_REDIS_TIMEOUT=10.0,
    )
    django.setup()


def measure(url: str, calls: int) -> dict[str, float]:
    """Return medians and 99th percentiles in µs, and round trips."""
    from django.contrib.auth import get_user_model, login
    from django.contrib.auth.models import AnonymousUser
    from django.contrib.sessions.backends.db import SessionStore
    from django.core.management import call_command
    from django.test import RequestFactory

    from django_hooks.middleware import WikiMiddleware

    call_command("migrate", verbosity=0)
    user = get_user_model().objects.create_user("sally", "sally@example.org")
    server, factory = redis.Redis.from_url(url), RequestFactory()
    server.set("plain", "x" * 120)

    def view(_: HttpRequest) -> HttpResponse:
        return HttpResponse("a page")

    def view_that_logs_in(request: HttpRequest) -> HttpResponse:
        login(request, user, backend="django.contrib.auth.backends.ModelBackend")
        return view(request)

    middleware = WikiMiddleware(view)

    def request_of_nobody() -> HttpRequest:
        request = factory.get("/")
        request.session, request.user = SessionStore(None), AnonymousUser()
        return request

    def request_of_somebody() -> HttpRequest:
        request = factory.get("/", HTTP_COOKIE="; ".join(f"{name}={text}" for name, text in cookies.items()))
        # As Django hands it over: the cookies are read, the session is not changed. Loading it is not our work.
        assert settings.SESSION_COOKIE_NAME in request.COOKIES
        request.session, request.user = session, user
        session.modified = False
        return request

    def log_in() -> tuple[SessionStore, HttpResponse]:
        request = request_of_nobody()
        answer = WikiMiddleware(view_that_logs_in)(request)
        request.session.save()
        return request.session, answer

    trips = _trips(server, log_in)
    session, answer = log_in()
    cookies = {name: morsel.value for name, morsel in answer.cookies.items() if morsel.value}
    cookies[settings.SESSION_COOKIE_NAME] = session.session_key or ""
    found = _time(
        {
            "view": (request_of_nobody, view),
            "anonymous": (request_of_nobody, middleware),
            "logged in": (request_of_somebody, middleware),
            "GET": (request_of_nobody, lambda _: server.get("plain")),
        },
        calls,
    )
    bare = found.pop("view")
    for name in ("anonymous", "logged in", "anonymous p99", "logged in p99"):
        found[name] -= bare
    return found | {
        "log-in trips": trips,
        "anonymous trips": _trips(server, lambda: middleware(request_of_nobody())),
        "logged in trips": _trips(server, lambda: middleware(request_of_somebody())),
    }


def _time(candidates: dict[str, tuple[Callable, Callable]], calls: int) -> dict[str, float]:
    took: dict[str, list[float]] = {name: [] for name in candidates}
    for turn in range(1 + calls // TURN):
        for name, (make, act) in candidates.items():
            for request in [make() for _ in range(TURN)]:
                start = time.perf_counter_ns()
                act(request)
                if turn > 0:
                    took[name].append((time.perf_counter_ns() - start) / 1000)
    tails = {f"{name} p99": percentile(values, 0.99) for name, values in took.items()}
    return {name: median(values) for name, values in took.items()} | tails


def _trips(server: redis.Redis, act: Callable[[], object]) -> int:
    """Return how often Redis got something to read while something was done; the INFO that asks is taken off."""
    act()
    before = server.info("stats")["total_reads_processed"]
    act()
    return int(server.info("stats")["total_reads_processed"]) - int(before) - 1


if __name__ == "__main__":
    set_up(sys.argv[1])
    sys.stdout.write(json.dumps(measure(sys.argv[1], int(sys.argv[2]))) + "\n")
