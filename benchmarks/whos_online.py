"""What who's online costs: ``python -m benchmarks.whos_online``; about two minutes, with a Redis of its own."""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address

import django

from session_store import Store
from session_store.presence import list_online, report_member, report_visitor
from tests.servers import RedisServer

WINDOW = 900_000
MEMBERS = 100_000
GUESTS = 1_000_000

#: Reports that go to Redis together, so that it is Redis that is measured.
TOGETHER = 1000


def main() -> None:
    """Measure everything and print a table; exit with 1 where a figure is not what is aimed at."""
    with RedisServer() as server:
        rows = list(_figures(_set_up(server.url)))
    width = max(len(what) for what, *_ in rows)
    for what, value, most, unit in rows:
        print(
            f"{what:{width}}  {value:10.2f} {unit:3}  at most {most:g} {unit}  {'ok' if value <= most else 'TOO MUCH'}"
        )
    sys.exit(any(value > most for _what, value, most, _unit in rows))


def _figures(store: Store) -> Iterator[tuple[str, float, float, str]]:
    yield from _suppressed()
    yield from _listing(store)
    yield from _flood(store)


def _set_up(url: str) -> Store:
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.django_hooks.settings"
    from django.conf import settings

    settings.WIKI_REDIS_URL = url
    settings.WIKI_REDIS_TIMEOUT = 30
    settings.WHOS_ONLINE_PROFILE_URL = lambda member: f"/members/{member.name}/"
    settings.MIDDLEWARE = ["django_hooks.middleware.WhosOnlineMiddleware"]
    django.setup()
    from django_hooks.stores import get_store

    return get_store()


def _suppressed() -> Iterator[tuple[str, float, float, str]]:
    from django.contrib.auth.models import User
    from django.http import HttpResponse
    from django.test import RequestFactory

    from django_hooks.middleware import WhosOnlineMiddleware
    from django_hooks.whos_online import report_guest, report_user

    sally, request = User(pk=1, username="sally"), RequestFactory().get("/", REMOTE_ADDR="192.0.2.1")
    middleware = WhosOnlineMiddleware(lambda _: HttpResponse())
    for what, call in {
        "report_user, suppressed": lambda: report_user(sally),
        "report_guest, suppressed": lambda: report_guest("192.0.2.1"),
    }.items():
        call()
        yield what, _median(call, 20_000) * 1e6, 5, "µs"
    bare = _median(HttpResponse, 20_000)
    yield "the middleware, a guest, suppressed", (_median(lambda: middleware(request), 20_000) - bare) * 1e6, 20, "µs"


def _listing(store: Store) -> Iterator[tuple[str, float, float, str]]:
    from django.contrib.auth.models import AnonymousUser
    from django.http import HttpRequest
    from django.template import engines

    keys = store.keys.online
    for numbers in _batches(MEMBERS):
        store.run_all([report_member(keys, str(n), f"member {n}", window=WINDOW) for n in numbers])
    template = engines["django"].from_string("{% load whos_online %}{% whos_online limit=25 %}")

    def page() -> str:
        request = HttpRequest()
        request.user = AnonymousUser()
        return template.render({}, request)

    if f"and {MEMBERS - 25} more" not in page():
        raise AssertionError(page())
    yield f"the list of 25 of {MEMBERS:,} members, rendered", _median(page, 500) * 1e3, 2, "ms"
    yield "of that, Redis", _median(lambda: store.run(list_online(keys, window=WINDOW, limit=50)), 500) * 1e3, 2, "ms"


def _flood(store: Store) -> Iterator[tuple[str, float, float, str]]:
    from django_hooks.whos_online.guests import ids_of, word_of

    store.redis.execute_command("FLUSHALL", "SYNC")
    keys, empty = store.keys.online, store.redis.info("memory")["used_memory"]
    start, worst = time.perf_counter(), 0.0
    for numbers in _batches(GUESTS):
        places = [str(IPv4Address(0x0B000000 + number * 7)) for number in numbers]
        store.run_all([report_visitor(keys, keys.guests, word_of(p), ids_of(p), window=WINDOW) for p in places])
        if (numbers[-1] + 1) % 50_000 == 0:
            found = store.run(list_online(keys, window=WINDOW, limit=0)).guests
            worst = max(worst, abs(found / (numbers[-1] + 1) - 1))
    seconds = time.perf_counter() - start
    yield (
        f"{GUESTS:,} guests, what they take in Redis",
        (store.redis.info("memory")["used_memory"] - empty) / 1e6,
        100,
        "MB",
    )
    yield "the count's error, at worst", worst * 100, 2, "%"
    yield "a guest's report, with its hashes", seconds / GUESTS * 1e6, 1000, "µs"
    yield (
        "a look at that crowd",
        _median(lambda: store.run(list_online(keys, window=WINDOW, limit=25)), 100) * 1e3,
        5,
        "ms",
    )


def _batches(count: int) -> Iterator[range]:
    return (range(first, first + TOGETHER) for first in range(0, count, TOGETHER))


def _median(call: Callable[[], object], times: int) -> float:
    """Return the seconds that a call takes at the median; what is too short to measure is measured in batches."""
    batch = max(1, times // 200)
    durations = []
    for _ in range(times // batch):
        start = time.perf_counter()
        for _ in range(batch):
            call()
        durations.append((time.perf_counter() - start) / batch)
    return statistics.median(durations)


if __name__ == "__main__":
    main()
