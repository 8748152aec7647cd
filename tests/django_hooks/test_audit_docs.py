"""What docs/audit.md shows works as it stands there."""

from __future__ import annotations

import re
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from django.core import mail
from django.core.management import BaseCommand, load_command_class
from django.utils.timezone import now

from django_hooks.audit.follower import Follower
from django_hooks.models import AuditEvent
from django_hooks.signals import session_started
from session_store import Person
from tests.session_store.samples import HOUR, new_token, opened, ref_of

from .audit import end, store_all

PAGE = (Path(__file__).parents[2] / "docs" / "audit.md").read_text()
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture
def ours(store, db) -> Follower:
    """A follower of the site's own table, beside its users."""
    return Follower(store=store, name="table", stop=threading.Event(), on_stored=lambda _: None, wait=0.01)


@pytest.fixture
def example(monkeypatch):
    """The page's receiver, connected for one test."""
    monkeypatch.setattr(session_started, "receivers", [])
    (code,) = [example for example in EXAMPLES if "@receiver" in example]
    namespace: dict[str, object] = {}
    exec(code, namespace)  # noqa: S102 - it is the page's
    return namespace


def log_in(store, user, *, agent: str, ip: str = "192.0.2.1") -> None:
    store.open(new_token(), Person(str(user.pk), user.username, user.email, "", ip, agent), age=HOUR)


def test_the_example_mails_about_a_device_that_is_new_and_no_other(store, ours, people, example):
    sally, harry = people["sally"], people["harry"]
    log_in(store, sally, agent="Firefox")
    log_in(store, harry, agent="Lynx")
    store_all(ours, store)
    log_in(store, sally, agent="Firefox")
    store_all(ours, store)
    assert not mail.outbox
    log_in(store, sally, agent="Lynx")
    store_all(ours, store)
    (message,) = mail.outbox
    assert message.to == ["sally@example.org"]
    assert "from 192.0.2.1 with Lynx" in message.body
    log_in(store, sally, agent="Lynx", ip="198.51.100.1")
    log_in(store, sally, agent="Lynx")
    store_all(ours, store)
    assert len(mail.outbox) == 2


def test_the_example_needs_neither_a_user_nor_an_address(store, ours, people, example, settings):
    settings.WIKI_AUDIT_IP = "none"
    people["harry"].delete()
    for agent in ("Firefox", "Firefox", "Lynx"):
        log_in(store, people["sally"], agent=agent)
        opened(store, Person("99", "gone", "gone@example.org"))
    store_all(ours, store)
    # A row may be told of again.
    ((recipient, text),) = {(*message.to, message.body) for message in mail.outbox}
    assert recipient == "sally@example.org"
    assert "Lynx" in text


def test_the_query_finds_what_ended_for_a_user_in_28_days(store, ours, people):
    (query,) = [example for example in EXAMPLES if "timedelta" in example]
    user = people["sally"]
    person = Person(str(user.pk), "sally")
    tokens = [opened(store, person), opened(store, person), opened(store)]
    end(store, ref_of(tokens[0], person))
    store_all(ours, store)
    names = {"AuditEvent": AuditEvent, "user": user, "now": now, "timedelta": timedelta}
    assert [row.sid for row in eval(query, names)] == [tokens[0].sid]  # noqa: S307 - it is the page's


def test_the_page_names_every_column():
    columns = {field.name for field in AuditEvent._meta.concrete_fields} - {"id"}
    assert all(f"`{column}`" in PAGE for column in columns)


#: What every command of Django's has.
COMMON = set(BaseCommand().create_parser("manage.py", "x")._option_string_actions)


@pytest.mark.parametrize("command", ["audit_log", "audit_purge", "audit_forget_user"])
def test_the_page_names_every_option(command):
    parser = load_command_class("django_hooks", command).create_parser("manage.py", command)
    options = set(parser._option_string_actions) - COMMON
    assert options
    assert command in PAGE
    assert all(re.search(rf"{option}\b", PAGE) for option in options)
