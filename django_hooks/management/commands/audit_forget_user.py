"""``manage.py audit_forget_user``: a user's personal data leaves the audit table."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error

from django_hooks.audit.forgetting import count_rows, forget, ids_of
from django_hooks.conf import conf
from session_store import Store, StoreUnavailable


class Command(BaseCommand):
    """Erases, and says what it can't reach. Exit codes: 0, or 1 where something is wrong, which is said."""

    help = "Erases a user's name, e-mail and IP address, display name and browser from the audit table."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Say which options there are."""
        parser.add_argument("user", metavar="USER", help="the user's id, as the table has it")
        parser.add_argument("--by-name", action="store_true", help="USER is a name, which one user alone has had")
        parser.add_argument("--and-id", action="store_true", help="erase the id too: rows can't be told apart any more")
        parser.add_argument("--dry-run", action="store_true", help="only say how many rows that would be")
        parser.add_argument("--json", action="store_true", help="for machines")

    def handle(self, *_: Any, user: str, **options: Any) -> None:
        """Run it."""
        try:
            user_id = self._only_id_of(user) if options["by_name"] else user
            rows = count_rows(user_id)
            if not rows:
                raise CommandError(f"no row is of a user with the id {user!r}; with --by-name USER is a name")
            if not options["dry_run"]:
                rows = forget(user_id, and_id=options["and_id"])
        except Error as error:
            raise CommandError(f"the database: {error}") from error
        unreached = _unreached(user_id)
        if options["json"]:
            found = {"user_id": user_id, "rows": rows, "dry_run": options["dry_run"], "not_reached": unreached}
            self.stdout.write(json.dumps(found))
            return
        self.stdout.write(f"{rows} rows of user {user_id} {'would be' if options['dry_run'] else 'were'} erased")
        for place in unreached:
            self.stdout.write(f"not reached: {place}")

    def _only_id_of(self, name: str) -> str:
        ids = ids_of(name)
        if len(ids) > 1:
            raise CommandError(f"{name!r} was the name of several users: {', '.join(ids)}; give one of these ids")
        return ids[0] if ids else ""


def _unreached(user_id: str) -> list[str]:
    """Name the places that this command has no hand on."""
    places = ["the worker's audit log: WIKI_AUDIT_LOG, what it was rotated to, and backups of these and of the table"]
    try:
        live = len(Store(conf.store).sessions_of(user_id))
    except StoreUnavailable as error:
        places.append(f"live sessions, if there are any ({error}): their ends will be rows with personal data")
    else:
        if live:
            places.append(
                f"live sessions: {live}; end them and repeat this, or their ends will be rows with personal data"
            )
    places.append("what waits in Redis to be stored: run manage.py audit_log before this")
    return places
