"""What must hold on such a site; run by a test, in a process of its own: a site has one user model."""

from __future__ import annotations

import django
from django.conf import settings
from django.core.management import call_command
from django.test import Client
from django.test.utils import CaptureQueriesContext

django.setup()

from django.db import connections  # noqa: E402 - the apps must be there

from django_hooks.models import PendingEnd  # noqa: E402
from django_hooks.stores import get_store  # noqa: E402
from django_hooks.users import users_changed  # noqa: E402

from .models import Guest, Member, Trainer  # noqa: E402


def main() -> None:
    settings.ALLOWED_HOSTS = ["testserver"]
    for alias in ("default", "people"):
        call_command("migrate", database=alias, run_syncdb=True, verbosity=0)
    call_command("check")
    for step in (follows, ends, proxies_and_children, counts_queries):
        get_store().redis.flushall()
        Member.objects.all().delete()
        step()


def member(number: int, model: type = Member, **more: object):
    found = model(number=number, mail=f"{number}@example.org", nick=f"Nick {number}", **more)
    found.set_password("surf")
    found.save()
    return found


def log_in(number: int) -> Client:
    client = Client()
    assert client.post("/enter/", {"username": number, "password": "surf"}).status_code == 200
    return client


def sessions(found: Member) -> list:
    return get_store().sessions_of(str(found.pk))


def follows() -> None:
    found = member(7)
    log_in(7)
    (session,) = sessions(found)
    person = session.record.person
    assert (person.user_id, person.name, person.email) == (str(found.pk), "7", "7@example.org")
    found.nick, found.mail = "Sea", None
    found.save()
    person = sessions(found)[0].record.person
    assert (person.display_name, person.email) == ("Sea", "")
    Member.objects.update(number=8)
    users_changed(Member.objects.all())
    assert sessions(found)[0].record.person.name == "8"
    assert not PendingEnd.objects.exists()


def ends() -> None:
    first, second = member(1), member(2)
    browser = log_in(1)
    log_in(2)
    first.is_active = False
    first.save()
    assert not sessions(first)
    assert browser.get("/untouched/").cookies["wiki_session"].value == ""
    second.delete()
    assert get_store().count() == 0


def proxies_and_children() -> None:
    trainer, guest = member(3, Trainer, sport="kite"), member(4, Guest)
    log_in(3)
    log_in(4)
    trainer.is_active = False
    trainer.save()
    guest.is_active = False
    guest.save()
    assert get_store().count() == 0


def counts_queries() -> None:
    found = member(5)
    with CaptureQueriesContext(connections["people"]) as queries:
        found.save(update_fields=["last_login"])
    assert len(queries) == 1, queries.captured_queries
    with CaptureQueriesContext(connections["default"]) as others:
        found.save()
    assert len(others) == 0, others.captured_queries


main()
