"""``manage.py audit_log``: what began and ended, from Redis into the audit table."""

from __future__ import annotations

import json
import logging
import threading
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error

from django_hooks.audit.follower import Follower
from django_hooks.audit.following import Following, Tally
from django_hooks.audit.once import store_what_waits
from django_hooks.conf import conf
from session_store import Store, StoreUnavailable
from session_store.lease import LASTS
from session_store.stopping import stop_on_signals


class Command(BaseCommand):
    """Stores what waits, or, with ``--follow``, what comes.

    Exit codes: 0 after TERM or INT, or when all is stored; 1 where something is wrong, which is said; 130 after a
    second TERM or INT, which waits for nothing.
    """

    help = "Stores what began and ended in the audit table: what waits in Redis now or, with --follow, whatever comes."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Say which options there are."""
        parser.add_argument("--follow", action="store_true", help="go on until TERM, for a supervisor to run")
        parser.add_argument("--name", default="table", help="the reader's, one for each table (%(default)s)")
        parser.add_argument(
            "--lease",
            type=float,
            default=LASTS,
            metavar="SECONDS",
            help="another one takes over from one that has said nothing for so long (%(default)g)",
        )
        parser.add_argument("--json", action="store_true", help="without --follow: say what was done, for machines")

    def handle(self, *_: Any, follow: bool, name: str, lease: float, **options: Any) -> None:
        """Run it."""
        if not conf.enabled:
            raise CommandError("WIKI_ENABLED is False: there is nothing to store")
        if not name.isprintable() or not name or " " in name or len(name) > 100:
            raise CommandError("--name must be printable, without spaces, and at most 100 characters long")
        if not 0.5 <= lease <= 3600:
            raise CommandError("--lease must be from 0.5 to 3600 seconds")
        with stop_on_signals() as stop:
            if follow:
                self._follow(name, lease, stop)
            else:
                self._once(name, lease, stop, as_json=options["json"])

    def _follow(self, name: str, lease: float, stop: threading.Event) -> None:
        show_log()
        tally = Tally()
        follower = Follower(store=Store(conf.store), name=name, stop=stop, on_stored=tally.add, lease=lease)
        Following(follower, stop=stop, tally=tally).run()

    def _once(self, name: str, lease: float, stop: threading.Event, *, as_json: bool) -> None:
        tally = Tally()
        store = Store(conf.store)
        follower = Follower(store=store, name=name, stop=stop, on_stored=tally.add, wait=0.01, lease=lease)
        try:
            complete = store_what_waits(follower, store=store, stop=stop)
        except (StoreUnavailable, Error) as error:
            raise CommandError(str(error)) from error
        if as_json:
            self.stdout.write(json.dumps({**asdict(tally), "complete": complete}))
        else:
            self.stdout.write(f"{tally}{'' if complete else '; stopped before all was'}")


def show_log() -> None:
    """Write what this app and its kernel log to stderr, where the site's LOGGING gives that no other place."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s"))
    for log in (logging.getLogger("django_hooks"), logging.getLogger("session_store")):
        if not log.hasHandlers():
            log.addHandler(handler)
        if log.getEffectiveLevel() > logging.INFO:
            log.setLevel(logging.INFO)
