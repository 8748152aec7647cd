"""``manage.py wiki_sessions``: who is in the wiki, and out with them."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from django.db import Error

from django_hooks.people import user_id
from django_hooks.stores import get_store
from session_store import ConfigurationError, Ref, Session, Store, StoreUnavailable
from session_store.keys import SID
from session_store.sessions import STRAY

#: Why an operator ends sessions.
REASONS = ("revoked", "logout", "password_change", "account_disabled")

#: Sessions of one user that are listed at most.
MANY = 10_000


class Command(BaseCommand):
    """Lists, counts and ends sessions. Exit codes: 0, or 1 where something is wrong, which is said."""

    help = "Lists, counts and ends the sessions of people in the wiki."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Say which options there are."""
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="list|count|end")
        for verb, words in (("list", "those that end first in front"), ("count", "how many there are")):
            sub = verbs.add_parser(verb, help=words)
            _add_whose(sub)
        end = verbs.add_parser("end", help="at once; the audit log says so")
        whose = _add_whose(end, required=True)
        whose.add_argument("--sid", action="append", help="the one of that id, as --sid=ID; may be repeated")
        whose.add_argument("--all", action="store_true", help="everybody's")
        end.add_argument("--reason", choices=REASONS, default="revoked", help="what the audit log says; revoked")
        end.add_argument("--actor", metavar="NAME", default="", help="the user who does this, for the audit log")

    def handle(self, *_: Any, verb: str, **options: Any) -> None:
        """Run it."""
        try:
            run = {"list": self._list, "count": self._count, "end": self._end}[verb]
            run(get_store(), options)
        except StoreUnavailable as error:
            raise CommandError(f"{error}. Nothing is known about sessions until it answers.") from error
        except ConfigurationError as error:
            raise CommandError(str(error)) from error
        except Error as error:
            raise CommandError(f"the database: {error}") from error

    def _list(self, store: Store, options: dict[str, Any]) -> None:
        for session in _sessions(store, _id_of(options)):
            self.stdout.write(json.dumps(_fields(session)) if options["json"] else _line(session))

    def _count(self, store: Store, options: dict[str, Any]) -> None:
        whose = _id_of(options)
        number = store.count() if whose is None else len(store.sessions_of(whose, limit=MANY))
        self.stdout.write(json.dumps({"sessions": number}) if options["json"] else str(number))

    def _end(self, store: Store, options: dict[str, Any]) -> None:
        actor = _by_name(options["actor"]) if options["actor"] else ""
        whose = _id_of(options)
        if whose is not None:
            ends = store.end_user(whose, options["reason"], actor=actor)
        else:
            ends = store.end_all(_refs(store, options["sid"]), options["reason"], actor=actor)
        found = [{"sid": end.ref.sid, "reason": str(end.reason)} for end in ends if end.reason != STRAY]
        if options["json"]:
            self.stdout.write(json.dumps({"ended": found}))
            return
        self.stdout.write(f"{len(found)} ended" if found else "no such session lives: nothing was ended")


def _add_whose(parser: ArgumentParser, *, required: bool = False) -> Any:
    whose = parser.add_mutually_exclusive_group(required=required)
    whose.add_argument("--user", metavar="NAME", help="one user's, by the name that they log in with")
    whose.add_argument("--user-id", metavar="ID", help="the same by the id; also of users who are deleted")
    parser.add_argument("--json", action="store_true", help="for machines")
    return whose


def _id_of(options: dict[str, Any]) -> str | None:
    if options["user"] is not None:
        return _by_name(options["user"])
    found: str | None = options["user_id"]
    return found


def _by_name(name: str) -> str:
    model = get_user_model()
    try:
        return user_id(model._default_manager.get_by_natural_key(name))
    except (model.DoesNotExist, ValueError):
        raise CommandError(f"no user is called {name!r}; one who is deleted is found by --user-id") from None


def _sessions(store: Store, whose: str | None) -> Iterable[Session]:
    return store.sessions() if whose is None else store.sessions_of(whose, limit=MANY)


def _refs(store: Store, sids: list[str] | None) -> Iterator[Ref]:
    if sids is None:
        # All of them first: a list from which things vanish would be read with gaps.
        yield from [session.ref for session in store.sessions()]
        return
    store.learn()
    for sid in sids:
        if not SID.fullmatch(sid):
            raise CommandError(f"{sid!r} is no session's id: those have 22 characters")
        yield from (Ref(shard.number, sid) for shard in store.keys.shards)


def _fields(session: Session) -> dict[str, Any]:
    person, record = session.record.person, session.record
    return {
        "sid": session.ref.sid,
        "user_id": person.user_id,
        "user_name": person.name,
        "ip": person.ip,
        "user_agent": person.user_agent,
        "started_at": _time(record.created),
        "ends_at": _time(session.deadline if session.deadline > 0 else record.expires),
        "expires_at": _time(record.expires),
    }


def _line(session: Session) -> str:
    fields = _fields(session)
    names = ("sid", "started_at", "ends_at", "user_id", "user_name", "ip", "user_agent")
    # A browser says what it likes of itself, and a terminal obeys.
    return "  ".join("".join(c if c.isprintable() else "?" for c in str(fields[name]) or "-") for name in names)


def _time(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
