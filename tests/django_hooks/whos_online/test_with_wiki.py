"""Beside the wiki's middleware: what is due travels with the look at the session."""

from __future__ import annotations

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import AnonymousUser, User
from django.test import RequestFactory

from django_hooks.whos_online import apresence_calls, presence_calls

from .conftest import names, online


@pytest.fixture
def request_of(club, rf: RequestFactory):
    def make(user, cookie: str = "a session"):
        request = rf.get("/")
        request.COOKIES["sessionid"] = cookie
        request.user = user
        return request

    return make


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
