"""``manage.py audit_purge``: the audit table keeps what it must, and no longer than it may."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error
from django.utils import timezone

from django_hooks.audit.purging import old_events, purge

#: The longest time that can be asked for, in days: a hundred years.
LONGEST = 36_500


class Command(BaseCommand):
    """Removes old rows. Exit codes: 0, or 1 where something is wrong, which is said."""

    help = "Removes from the audit table what happened more than so many days ago."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Say which options there are."""
        parser.add_argument("--days", type=int, required=True, help="how many days are kept; at least 1")
        parser.add_argument("--dry-run", action="store_true", help="only say how many rows that would be")
        parser.add_argument("--json", action="store_true", help="for machines")

    def handle(self, *_: Any, days: int, **options: Any) -> None:
        """Run it."""
        if not 1 <= days <= LONGEST:
            raise CommandError(f"--days must be from 1 to {LONGEST}")
        before, dry = timezone.now() - timedelta(days=days), options["dry_run"]
        try:
            rows = old_events(before).count() if dry else purge(before)
        except Error as error:
            raise CommandError(f"the database: {error}") from error
        if options["json"]:
            self.stdout.write(json.dumps({"rows": rows, "before": before.isoformat(), "dry_run": dry}))
        else:
            self.stdout.write(
                f"{rows} rows from before {before:%Y-%m-%d %H:%M} {'would be' if dry else 'were'} removed"
            )
