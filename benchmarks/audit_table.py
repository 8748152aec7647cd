"""The audit table in SQLite: ``python -m benchmarks.audit_table URL CALLS`` prints how fast it is filled."""

from __future__ import annotations

import json
import sys
import tempfile
import threading
import time

import django
from django.conf import settings

from session_store import Config, Store

from .filling import HOUR, fill

#: Sessions for each call of the scale; each is two events.
SESSIONS = 10


def set_up(url: str, directory: str) -> None:
    """Configure Django: a database in a file, as it comes."""
    settings.configure(
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": f"{directory}/db.sqlite3"}},
        INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django_hooks"],
        SECRET_KEY="only for this measurement",  # noqa: S106 - nobody else meets it
        USE_TZ=True,
        WIKI_REDIS_URL=url,
    )
    django.setup()


def measure(url: str, calls: int) -> dict[str, float]:
    """Return events a second, stored and acknowledged."""
    from django.core.management import call_command

    from django_hooks.audit.follower import Follower
    from django_hooks.audit.following import Tally

    call_command("migrate", verbosity=0)
    store, tally = Store(Config(redis_url=url, redis_timeout=60), pause=0), Tally()
    now = time.time_ns() // 1_000_000
    refs = fill(store, calls * SESSIONS, lambda _: now + HOUR)
    store.end_all(refs, "logout")
    follower = Follower(store=store, name="table", stop=threading.Event(), on_stored=tally.add)
    start = time.perf_counter()
    while tally.new < 2 * len(refs):
        follower.step()
    took = time.perf_counter() - start
    follower.close()
    return {"per second": tally.new / took, "events": tally.new}


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as directory:
        set_up(sys.argv[1], directory)
        sys.stdout.write(json.dumps(measure(sys.argv[1], int(sys.argv[2]))) + "\n")
