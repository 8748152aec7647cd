"""What is kept for later is kept on every database alike, also in one that the users are not in."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from django_hooks import pending
from django_hooks.models import PendingEnd
from django_hooks.pending import ends_of, remember, retry
from session_store import Ref
from tests.servers import free_port

from .conftest import ends_of as ended
from .databases import ALIAS

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_change_that_meets_an_absent_redis_is_done_later(database, browser, site, people, settings):
    browser.log_in()
    sid, url = browser.wiki_session.ref.sid, settings.WIKI_REDIS_URL
    settings.WIKI_REDIS_URL = f"redis://127.0.0.1:{free_port()}/0"
    people["sally"].is_active = False
    with transaction.atomic():
        people["sally"].save()
    assert PendingEnd.objects.get().certain
    settings.WIKI_REDIS_URL = url
    assert retry() == 1
    assert ended(site) == [(sid, "account_disabled")]


def test_what_is_rolled_back_is_not_kept(database):
    with transaction.atomic(using=ALIAS):
        assert remember([PendingEnd(user_id="1")])
        transaction.set_rollback(True, using=ALIAS)
    assert not PendingEnd.objects.exists()


def test_what_cant_be_kept_breaks_no_transaction(database):
    with transaction.atomic(using=ALIAS):
        assert remember(ends_of([Ref(0, "x" * 22, "1")], "logout", keep=60_000))
        assert not remember([PendingEnd(user_id="1", tried_at=None)])
    assert PendingEnd.objects.count() == 1


def test_what_was_tried_longest_ago_comes_first(database, site, monkeypatch):
    monkeypatch.setattr(pending, "DOUBTFUL", 0)
    soon = timezone.now() - timedelta(seconds=5)
    remember([PendingEnd(user_id=str(n), tried_at=soon - timedelta(seconds=n), created_at=soon) for n in range(3)])
    assert retry(most=2) == 2
    assert PendingEnd.objects.get().user_id == "0"
