"""Bring the site's database up to date and make the users: ``python -m demo.site.prepare``."""

from __future__ import annotations

import os

import django
from django.core.management import call_command

#: Who can log in, and with what.
USERS = ("sally", "harry")
ADMIN = "admin"
PASSWORD = "surf"  # noqa: S105 - on purpose, and printed at every start


def main() -> None:
    """Make what is missing; keep what is there."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "demo.site.settings"
    django.setup()
    call_command("migrate", verbosity=0)
    _make_users()


def _make_users() -> None:
    from django.contrib.auth.models import User  # noqa: PLC0415 - there are no models before setup

    for name in USERS:
        if not User.objects.filter(username=name).exists():
            User.objects.create_user(name, f"{name}@example.org", PASSWORD)
    if not User.objects.filter(username=ADMIN).exists():
        User.objects.create_superuser(ADMIN, f"{ADMIN}@example.org", PASSWORD)


if __name__ == "__main__":
    main()
