"""Beside the wiki's middleware: what is due travels with the look at the session."""

from __future__ import annotations

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import AnonymousUser, User
from django.test import RequestFactory

from django_hooks.whos_online import apresence_calls, presence_calls

from .conftest import log_in, names, new_process, online


@pytest.fixture
def request_of(club, rf: RequestFactory):
    def make(user, cookie: str = "a session"):
        request = rf.get("/")
        request.COOKIES["sessionid"] = cookie
        request.user = user
        return request

    return make


@pytest.fixture
def round_trips(club):
    """Return how many round trips Redis has had since it was last asked."""
    last = 0

    def count() -> int:
        nonlocal last
        now = club.redis.info("stats")["total_reads_processed"]
        found, last = now - last - 1, now
        return found

    count()
    return count


@pytest.fixture
def both(club, settings):
    """A site with a wiki that wants to know who is online."""
    before, own = settings.MIDDLEWARE[:-1], settings.MIDDLEWARE[-1]
    settings.MIDDLEWARE = [*before, "django_hooks.middleware.WikiMiddleware", own]
    return club


def test_a_member_is_noted_in_the_round_trip_that_looks_at_the_session(both, visitor, round_trips):
    log_in(visitor)
    visitor.get("/untouched/")
    new_process()
    both.redis.delete(both.keys.online.members)
    round_trips()
    visitor.get("/untouched/")
    assert round_trips() == 1
    assert names(both) == ["sally"]


def test_a_log_out_is_one_of_both(both, visitor):
    log_in(visitor)
    assert names(both) == ["sally"]
    assert both.count() == 1
    visitor.get("/leave/")
    assert names(both) == []
    assert both.count() == 0


def test_who_is_logged_out_elsewhere_is_taken_off_at_the_next_request(both, visitor):
    log_in(visitor)
    both.end_user(str(User.objects.get(username="sally").pk), "revoked")
    new_process()
    visitor.get("/who/")
    assert names(both) == []
    assert online(both).guests == 1


def test_settings_that_cant_be_used_hurt_nobody_where_nobody_is_counted(both, visitor, settings):
    settings.MIDDLEWARE = settings.MIDDLEWARE[:-1]
    settings.WHOS_ONLINE_MAX_AGE = "long"
    log_in(visitor)
    assert visitor.get("/who/").content == b"sally"
    visitor.get("/leave/")


def test_what_is_due_is_returned_once_and_counts_as_written(club, request_of):
    sally = User.objects.get(username="sally")
    calls = presence_calls(request_of(sally))
    club.run_all(calls)
    assert names(club) == ["sally"]
    assert presence_calls(request_of(sally)) == []
    assert presence_calls(request_of(sally, "another session")) == []


def test_a_guest_with_a_session_is_a_guest(club, request_of):
    club.run_all(presence_calls(request_of(AnonymousUser())))
    assert online(club).guests == 1


def test_who_has_no_session_is_left_to_the_other_middleware(club, request_of):
    request = request_of(AnonymousUser())
    request.COOKIES.clear()
    assert presence_calls(request) == []


def test_nothing_is_due_where_the_middleware_is_not_installed(club, request_of, settings):
    sally = User.objects.get(username="sally")
    settings.MIDDLEWARE = settings.MIDDLEWARE[:-1]
    assert presence_calls(request_of(sally)) == []


async def _aget(user):
    return user


def test_an_event_loop_gets_the_same(club, request_of, people):
    request = request_of(None)
    del request.user
    request.auser = lambda: _aget(people["harry"])
    club.run_all(async_to_sync(apresence_calls)(request))
    assert names(club) == ["harry"]
