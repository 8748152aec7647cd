from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.test.utils import CaptureQueriesContext

from django_hooks.middleware import WhosOnlineMiddleware
from django_hooks.whos_online import report_user

from .conftest import GOOGLEBOT, browser, log_in, names, new_process, online


def test_a_guest_counts_by_address(club, visitor):
    visitor.get("/untouched/")
    browser().get("/untouched/")
    browser("192.0.2.2").get("/untouched/")
    assert online(club).guests == 2
    assert names(club) == []


def test_a_guest_touches_no_session_and_sets_no_cookie(club, visitor):
    with CaptureQueriesContext(
        connection,
    ) as queries:
        response = visitor.get("/untouched/")
    assert not queries
    assert not response.cookies
    assert not response.has_header("Vary")


def test_a_member_counts_by_name_from_the_log_in_on_and_is_no_guest_then(club, visitor):
    visitor.get("/who/")
    assert online(club).guests == 1
    log_in(visitor)
    assert names(club) == ["sally"]
    assert online(club).guests == 0


def test_a_log_out_takes_a_member_off_at_once_and_leaves_a_guest(club, visitor):
    log_in(visitor)
    visitor.get("/leave/")
    assert names(club) == []
    assert online(club).guests == 1


def test_who_logs_out_and_in_again_is_back_at_once(club, visitor):
    log_in(visitor)
    visitor.get("/leave/")
    log_in(visitor)
    assert names(club) == ["sally"]


def test_who_is_deleted_is_off_the_list_and_who_was_not_after_all_is_on_it(
    club, visitor, people, django_capture_on_commit_callbacks
):
    log_in(visitor)
    with django_capture_on_commit_callbacks(execute=False):
        people["sally"].delete()
    assert names(club) == ["sally"]
    log_in(browser("192.0.2.2"), "harry")
    with django_capture_on_commit_callbacks(execute=True):
        people["harry"].delete()
    assert names(club) == ["sally"]


def test_a_request_that_was_under_way_at_the_log_out_brings_nobody_back(club, visitor):
    log_in(visitor)
    other = browser()
    other.cookies = visitor.cookies.copy()
    visitor.get("/leave/")
    new_process()
    from django.contrib.auth.models import User

    report_user(User.objects.get(username="sally"))
    assert names(club) == []


def test_whoever_a_page_did_not_ask_for_is_found_out_once_in_a_while(club, visitor):
    log_in(visitor)
    new_process()
    with CaptureQueriesContext(connection) as queries:
        for _ in range(5):
            assert not visitor.get("/untouched/").has_header("Vary"), "the page does not depend on who asks"
    assert len(queries) == 2, "one for the session, one for the user, once"
    assert names(club) == ["sally"]


def test_at_most_one_write_a_visitor_in_a_while(club, visitor, commands):
    log_in(visitor)
    guests = [browser("192.0.2.7"), browser("192.0.2.7")]
    for client in (visitor, *guests):
        client.get("/who/")
    commands()
    for _ in range(10):
        for client in (visitor, *guests):
            client.get("/who/")
            client.get("/untouched/")
    assert commands() == 0


def test_a_log_in_counts_as_the_first_write(club, visitor, commands):
    log_in(visitor)
    commands()
    visitor.get("/who/")
    assert commands() == 0


def test_an_interval_of_nothing_writes_each_time(club, visitor, settings, commands):
    settings.WHOS_ONLINE_INTERVAL = 0
    visitor.get("/untouched/")
    commands()
    visitor.get("/untouched/")
    assert commands() > 0


def test_made_up_session_cookies_make_no_more_writes(club, commands):
    browser().get("/who/")
    commands()
    for number in range(5):
        client = browser()
        client.cookies["sessionid"] = f"made up {number}"
        client.get("/who/")
    assert commands() == 0
    assert online(club).guests == 1


def test_bots_count_apart(club):
    browser(agent=GOOGLEBOT).get("/untouched/")
    browser().get("/untouched/")
    assert (online(club).bots, online(club).guests) == (1, 1)


def test_a_forged_address_changes_nothing(club):
    for number in range(3):
        browser().get("/untouched/", headers={"X-Forwarded-For": f"198.51.100.{number}"})
    assert online(club).guests == 1


def test_behind_a_trusted_proxy_guests_are_told_apart(club, settings):
    settings.WIKI_TRUSTED_PROXIES = 1
    for number in range(3):
        browser().get("/untouched/", headers={"X-Forwarded-For": f"198.51.100.{number}"})
    assert online(club).guests == 3


def test_who_has_no_address_is_one_guest(club):
    for _ in range(2):
        browser("").get("/untouched/")
    assert online(club).guests == 1


def test_who_comes_by_a_token_counts_by_name(club, visitor):
    visitor.get("/token/", headers={"Authorization": "harry"})
    assert names(club) == ["harry"]
    assert online(club).guests == 0
    browser("192.0.2.2").get("/token/")
    assert online(club).guests == 1


def test_a_flushed_session_is_a_guests(club, visitor):
    log_in(visitor)
    visitor.get("/flush/")
    visitor.get("/who/")
    assert online(club).guests == 1


def test_a_page_stays_a_page_when_the_database_fails_afterwards(club, visitor, monkeypatch, caplog):
    log_in(visitor)
    new_process()

    def fail(*_: object) -> None:
        raise RuntimeError("no database")

    monkeypatch.setattr("django.contrib.auth.middleware.get_user", fail)
    assert visitor.get("/untouched/").status_code == 200
    assert "could not be found out" in caplog.text


def test_nothing_is_done_where_the_app_is_switched_off(club, visitor, settings, raw):
    settings.WIKI_ENABLED = False
    log_in(visitor)
    visitor.get("/page/")
    visitor.get("/leave/")
    assert raw.keys() == []


def test_without_a_wiki_a_log_in_and_a_log_out_leave_no_trace_of_one(club, visitor):
    log_in(visitor)
    assert "_wiki_session" not in visitor.session
    visitor.get("/leave/")
    assert not [key for key in club.redis.scan_iter() if b"{online}" not in key]


def test_it_does_not_start_with_settings_that_cant_be_used(settings):
    settings.WHOS_ONLINE_MAX_AGE = "long"
    settings.WIKI_REDIS_SHARDS = 0
    with pytest.raises(ImproperlyConfigured, match=r"WIKI_REDIS_SHARDS must.*; WHOS_ONLINE_MAX_AGE must"):
        WhosOnlineMiddleware(lambda _: None)
