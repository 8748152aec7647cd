"""After each response the browser's cookie names a live session of exactly request.user, or there is none."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db import connection
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from django_hooks import deeds
from django_hooks.notes import Note
from session_store import Person, make_token, parse_token

from .conftest import NAME, AsyncBrowser, Browser, ends_of, starts_of

ENGINES = ["db", "cached_db", "cache", "file", "signed_cookies"]


@pytest.fixture(params=[Browser, AsyncBrowser], ids=["sync", "async"])
def kind_of_browser(request):
    return request.param


def commands_of(store, act):
    """Return how many commands Redis got while something was done, but the INFO that asks for it."""
    before = store.redis.info("commandstats")
    act()
    after = store.redis.info("commandstats")

    def top_level(stats):
        return sum(v["calls"] for k, v in stats.items() if k in {"cmdstat_evalsha", "cmdstat_eval"})

    return top_level(after) - top_level(before)


def test_a_login_opens_a_session_that_the_wiki_believes(browser):
    browser.log_in()
    person = browser.wiki_session.record.person
    assert (person.name, person.email, person.display_name) == ("sally", "sally@example.org", "Sally Surf")
    assert person.user_id == str(get_user_model().objects.get(username="sally").pk)
    assert person.ip == "127.0.0.1"


def test_a_login_through_djangos_own_view_does_too(browser):
    browser.post("/login/?next=/who/", {"username": "harry", "password": "surf"})
    assert browser.wiki_name == "harry"


def test_the_cookie_is_out_of_reach_of_scripts_and_foreign_posts(browser):
    browser.log_in()
    morsel = browser.cookies[NAME]
    assert morsel["httponly"]
    assert morsel["samesite"] == "Lax"
    assert morsel["path"] == "/"
    assert not morsel["secure"]


def test_the_cookie_is_secure_where_djangos_is(browser, settings):
    settings.SESSION_COOKIE_SECURE = True
    browser.log_in()
    assert browser.cookies[NAME]["secure"]


def test_the_cookie_is_strict_where_djangos_is(browser, settings):
    settings.SESSION_COOKIE_SAMESITE = "Strict"
    browser.log_in()
    assert browser.cookies[NAME]["samesite"] == "Strict"


def test_nothing_in_redis_or_the_session_is_the_token(browser, site):
    browser.log_in()
    token = browser.wiki_cookie
    kept = [site.redis.dump(key) for key in site.redis.keys("*")]
    assert kept
    assert not any(token.split(".")[1].encode() in blob for blob in kept)
    assert token not in str(dict(browser.session))


def test_a_logout_ends_it_and_takes_the_cookie(browser, site):
    browser.log_in()
    sid = browser.wiki_session.ref.sid
    browser.get("/leave/")
    assert browser.wiki_cookie is None
    assert ends_of(site) == [(sid, "logout")]


def test_a_flushed_session_ends_the_wikis_also_where_its_cookie_was_lost(browser, site):
    browser.log_in()
    del browser.cookies[NAME]
    browser.get("/flush/")
    assert [reason for _, reason in ends_of(site)] == ["logout"]


def test_a_flushed_session_ends_the_wikis_at_once(browser, site):
    browser.log_in()
    browser.get("/flush/")
    assert browser.wiki_cookie is None
    assert [reason for _, reason in ends_of(site)] == ["logout"]


def test_a_session_cleared_on_the_server_ends_the_wikis_at_the_next_request(browser, site):
    browser.log_in()
    browser.session.flush()
    assert browser.get_text("/who/") == ""
    assert browser.wiki_cookie is None
    assert [reason for _, reason in ends_of(site)] == ["logout"]


def test_a_session_that_clearsessions_has_removed_ends_at_the_next_request(browser, site):
    browser.log_in()
    Session.objects.update(expire_date=timezone.now() - timedelta(days=1))
    call_command("clearsessions")
    browser.get("/untouched/")
    assert browser.wiki_cookie is None
    assert [reason for _, reason in ends_of(site)] == ["logout"]


def test_the_same_user_logging_in_again_replaces_the_session(browser, site):
    browser.log_in()
    first = browser.wiki_session.ref.sid
    browser.log_in()
    assert browser.wiki_name == "sally"
    assert ends_of(site) == [(first, "replaced")]


def test_another_user_logging_in_replaces_the_session(browser, site):
    browser.log_in("sally")
    first = browser.wiki_session.ref.sid
    browser.log_in("harry")
    assert browser.wiki_name == "harry"
    assert ends_of(site) == [(first, "replaced")]


def test_impersonation_never_leaves_a_session_of_the_other_user(browser, site):
    browser.log_in("sally")
    browser.get("/become/harry/")
    assert browser.wiki_name == "harry"
    assert [reason for _, reason in ends_of(site)] == ["replaced"]
    browser.get("/become/sally/")
    assert browser.wiki_name == "sally"
    assert site.count() == 1


def test_a_forced_login_is_followed_at_the_next_request(browser, people):
    browser.force_login(people["sally"])
    assert browser.wiki_cookie is None
    browser.get("/untouched/")
    assert browser.wiki_name == "sally"


def test_a_session_from_before_the_app_was_installed_gets_one(browser, people, settings, site):
    settings.WIKI_ENABLED = False
    browser.log_in()
    settings.WIKI_ENABLED = True
    assert browser.wiki_cookie is None
    assert browser.get_text("/who/") == "sally"
    assert browser.wiki_name == "sally"
    assert ends_of(site) == []


def test_a_missing_cookie_is_set_again_with_the_same_token(browser, site):
    browser.log_in()
    token = browser.wiki_cookie
    del browser.cookies[NAME]
    browser.get("/untouched/")
    assert browser.wiki_cookie == token
    assert len(starts_of(site)) == 1


def test_a_wrong_cookie_is_put_right(browser):
    browser.log_in()
    token = browser.wiki_cookie
    browser.cookies[NAME] = "0." + "x" * 43
    browser.get("/untouched/")
    assert browser.wiki_cookie == token


def test_another_live_session_in_the_cookie_ends_as_replaced(browser, other_browser, site):
    browser.log_in("sally")
    other_browser.log_in("harry")
    planted = other_browser.wiki_session.ref.sid
    browser.cookies[NAME] = other_browser.wiki_cookie
    browser.get("/untouched/")
    assert browser.wiki_name == "sally"
    assert ends_of(site) == [(planted, "replaced")]


def test_a_dead_cookie_of_an_anonymous_browser_is_left_alone(browser):
    browser.cookies[NAME] = "0." + "x" * 43
    response = browser.get("/who/")
    assert NAME not in response.cookies


def test_an_ended_session_is_refused_before_the_view_sees_a_user(browser, site):
    browser.log_in()
    site.end(browser.wiki_session.ref, "revoked")
    assert browser.get_text("/who/") == ""
    assert browser.wiki_cookie is None
    assert browser.get_text("/who/") == ""


def test_without_single_sign_out_an_ended_session_stays_ended_and_django_logged_in(browser, site, settings):
    settings.WIKI_SINGLE_SIGN_OUT = False
    browser.log_in()
    site.end(browser.wiki_session.ref, "revoked")
    for _ in range(2):
        assert browser.get_text("/who/") == "sally"
        assert browser.wiki_cookie is None
    assert len(starts_of(site)) == 1


def test_a_session_past_its_own_age_logs_out_of_django_too(browser, site, settings, raw):
    settings.WIKI_COOKIE_AGE = 0.05
    browser.log_in()
    from tests.wait import wait_until

    wait_until(lambda: browser.wiki_session is None, "the session's end")
    assert browser.get_text("/who/") == ""
    site.end_due(site.keys.shards[0])
    assert [reason for _, reason in ends_of(site)] == ["expired"]


@pytest.mark.parametrize("how", ["become", "password"])
def test_a_response_that_is_late_undoes_nothing(browser, site, how):
    """While it was under way, the browser got another session in another request."""
    browser.log_in()
    late = type(browser)(site)
    for name, morsel in browser.cookies.items():
        late.cookies[name] = morsel.value
    note = browser.session["_wiki_session"]
    browser.get("/become/harry/" if how == "become" else "/new-password/kept/")
    token = browser.wiki_cookie
    # As it read the Django session before the other request wrote to it:
    session = browser.session
    kept = session["_wiki_session"]
    session["_wiki_session"] = note
    session.save()
    late.cookies["sessionid"] = browser.cookies["sessionid"].value
    response = late.get("/untouched/")
    assert response.cookies == {}
    session["_wiki_session"] = kept
    session.save()
    assert browser.get_text("/who/") == ("harry" if how == "become" else "sally")
    assert browser.wiki_cookie == token
    assert site.count() == 1


def test_what_redis_lost_is_opened_again_and_nobody_is_logged_out(browser, site):
    browser.log_in()
    first = browser.wiki_session
    site.redis.flushall()
    assert browser.get_text("/who/") == "sally"
    assert browser.wiki_name == "sally"
    assert browser.wiki_session.ref.sid != first.ref.sid


def test_a_key_that_was_deleted_ends_as_lost_and_is_opened_again(browser, site):
    browser.log_in()
    first = browser.wiki_session.ref.sid
    site.redis.delete(site.keys.shards[0].session(first))
    browser.get("/untouched/")
    assert browser.wiki_name == "sally"
    assert ends_of(site) == [(first, "lost")]


def test_healing_keeps_the_old_absolute_deadline(browser, site, settings):
    settings.WIKI_COOKIE_AGE = 3600
    browser.log_in()
    expires = browser.wiki_session.record.expires
    site.redis.flushall()
    browser.get("/untouched/")
    assert browser.wiki_session.record.expires == expires


def test_with_an_idle_timeout_nothing_is_healed(browser, site, settings):
    settings.WIKI_IDLE_TIMEOUT = 600
    browser.log_in()
    site.redis.flushall()
    assert browser.get_text("/who/") == ""
    assert browser.wiki_cookie is None


def test_activity_on_the_site_renews_an_idle_timeout(browser, site, settings):
    settings.WIKI_IDLE_TIMEOUT = 600
    browser.log_in()
    ref = browser.wiki_session.ref
    site.redis.pexpire(site.keys.shards[0].session(ref.sid), 300_000)
    browser.get("/untouched/")
    assert site.redis.pttl(site.keys.shards[0].session(ref.sid)) > 590_000


def test_nothing_is_opened_on_a_response_that_failed(browser, site):
    browser.get("/enter-and-fail/")
    assert browser.wiki_cookie is None
    assert starts_of(site) == []


def test_a_streaming_response_gets_its_cookie(browser, people):
    browser.force_login(people["sally"])
    response = browser.get("/stream/")
    assert b"".join(response.streaming_content) == b"bit by bit"
    assert browser.wiki_name == "sally"


def test_a_failing_response_leaves_no_session_of_another_user(browser, site):
    browser.log_in("harry")
    browser.get("/enter-and-fail/")
    assert browser.wiki_cookie is None
    assert [reason for _, reason in ends_of(site)] == ["replaced"]


@pytest.mark.parametrize("engine", ENGINES)
def test_every_session_engine_will_do(browser, settings, tmp_path, engine, site):
    settings.SESSION_ENGINE = f"django.contrib.sessions.backends.{engine}"
    settings.SESSION_FILE_PATH = str(tmp_path)
    browser.log_in()
    token = browser.wiki_cookie
    browser.get("/untouched/")
    assert browser.wiki_cookie == token
    assert browser.wiki_name == "sally"
    browser.get("/leave/")
    assert browser.wiki_cookie is None
    assert [reason for _, reason in ends_of(site)] == ["logout"]


def test_the_wikis_session_lives_as_long_as_djangos(browser, settings):
    settings.SESSION_COOKIE_AGE = 1000
    browser.log_in()
    session = browser.wiki_session
    assert session.record.expires - session.record.created == 1000_000
    assert browser.cookies[NAME]["max-age"] == 1000


def test_it_follows_when_djangos_is_saved(browser, settings):
    settings.SESSION_COOKIE_AGE = 1000
    browser.log_in()
    settings.SESSION_COOKIE_AGE = 5000
    browser.get("/untouched/")
    assert browser.wiki_session.record.expires - browser.wiki_session.record.created == 1000_000
    browser.get("/save/")
    assert browser.wiki_session.record.expires - browser.wiki_session.record.created > 4_900_000
    assert browser.cookies[NAME]["max-age"] == 5000


def test_it_slides_with_djangos(browser, settings):
    settings.SESSION_SAVE_EVERY_REQUEST = True
    settings.SESSION_COOKIE_AGE = 1000
    browser.log_in()
    settings.SESSION_COOKIE_AGE = 5000
    browser.get("/untouched/")
    assert browser.wiki_session.record.expires - browser.wiki_session.record.created > 4_900_000


def test_a_sliding_session_takes_the_cookie_along(browser, settings):
    settings.SESSION_SAVE_EVERY_REQUEST = True
    settings.SESSION_COOKIE_AGE = 1000
    browser.log_in()
    settings.SESSION_COOKIE_AGE = 5000
    assert browser.get("/untouched/").cookies[NAME]["max-age"] == 5000
    assert NAME not in browser.get("/untouched/").cookies


def test_who_wants_to_be_remembered_is_remembered_by_the_wiki_too(browser, settings):
    settings.SESSION_EXPIRE_AT_BROWSER_CLOSE = True
    browser.log_in()
    browser.get("/remember/")
    assert browser.cookies[NAME]["max-age"] == settings.SESSION_COOKIE_AGE
    browser.get("/remember/?seconds=0")
    assert browser.cookies[NAME]["max-age"] == ""
    browser.get("/remember/?seconds=500")
    assert browser.cookies[NAME]["max-age"] == 500
    session = browser.wiki_session.record
    assert 490_000 < session.expires - session.created < 510_000


def test_a_wish_from_before_the_login_counts(browser):
    browser.get("/remember/?seconds=500")
    browser.log_in()
    assert browser.cookies[NAME]["max-age"] == 500


def test_a_session_is_known_again_under_a_new_secret(browser, site, settings):
    settings.WIKI_IDLE_TIMEOUT = 600
    browser.log_in()
    token = browser.wiki_cookie
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "a new one", [settings.SECRET_KEY]
    assert browser.get_text("/who/") == "sally"
    assert browser.wiki_cookie == token
    del browser.cookies[NAME]
    assert browser.get_text("/who/") == "sally"
    assert browser.wiki_cookie == token
    assert ends_of(site) == []
    site.redis.flushall()
    settings.WIKI_IDLE_TIMEOUT = None
    assert browser.get_text("/who/") == "sally"
    assert browser.wiki_name == "sally"
    assert browser.wiki_cookie != token


def test_who_is_logged_in_now_does_not_keep_anothers_cookie_where_something_breaks_on_the_way_out(
    browser, settings, monkeypatch
):
    browser.log_in("sally")

    def broken(user):
        raise OSError("no groups today")

    settings.WIKI_GROUPS = ["surfers"]
    monkeypatch.setattr(deeds, "groups_of", broken)
    browser.get("/untouched/")
    assert browser.wiki_name == "sally"
    browser.log_in("harry")
    assert browser.wiki_cookie is None


@pytest.mark.parametrize("noted", [True, False])
def test_a_log_out_bars_what_a_process_that_knows_an_older_secret_is_about_to_open(
    browser, site, settings, people, noted
):
    browser.log_in()
    session, old = browser.session, settings.SECRET_KEY
    if not noted:
        del session["_wiki_session"]
        session.save()
        site.redis.flushall()
    coming = Note.read(session).next() if noted else Note.for_session(session)
    token = coming.token(0)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "a new one", [old]
    browser.get("/leave/")
    assert not site.open(token, Person(str(people["sally"].pk), "sally"), age=60_000).lives


def test_a_note_from_before_sids_were_noted_is_understood(browser, site):
    browser.log_in()
    session = browser.session
    session["_wiki_session"] = session["_wiki_session"][:4]
    session.save()
    browser.get("/untouched/")
    assert len(starts_of(site)) == 1
    assert ends_of(site) == []


def test_a_page_that_needs_no_session_may_still_be_cached(browser):
    browser.log_in()
    assert not browser.get("/untouched/").has_header("Vary")
    del browser.cookies[NAME]
    assert browser.get("/untouched/")["Vary"] == "Cookie"  # this one carries the token


def test_a_view_that_needs_no_user_costs_no_query_for_one(browser, django_assert_num_queries, settings):
    browser.log_in()
    with django_assert_num_queries(1):  # the session's
        browser.get("/untouched/")


def test_a_session_that_changes_hands_without_a_word_is_followed_at_once(browser, people):
    browser.log_in()
    browser.get("/become-unseen/harry/")
    assert browser.wiki_name == "harry"


def test_a_program_that_says_each_time_whose_it_is_opens_nothing(browser, site):
    for _ in range(2):
        assert browser.get("/api/", headers={"Authorization": "sally"}).content == b"sally"
    assert not browser.cookies
    assert starts_of(site) == []


def test_a_log_in_with_such_a_request_does(browser):
    browser.get("/api/?log-in", headers={"Authorization": "sally"})
    assert browser.wiki_name == "sally"
    browser.get("/api/", headers={"Authorization": "harry"})
    assert browser.wiki_name == "sally"


def test_a_user_of_another_middlewares_counts(browser, people, settings):
    browser.log_in()
    settings.MIDDLEWARE = [*settings.MIDDLEWARE[:-1], "tests.django_hooks.urls.impersonate", settings.MIDDLEWARE[-1]]
    settings.IMPERSONATED = "harry"
    fresh = type(browser)(browser.store)
    fresh.cookies = browser.cookies
    fresh.get("/untouched/")
    assert fresh.wiki_name == "harry"


def test_it_lasts_as_long_as_the_browser_where_djangos_does(browser, settings):
    settings.SESSION_EXPIRE_AT_BROWSER_CLOSE = True
    browser.log_in()
    assert browser.cookies[NAME]["max-age"] == ""


def test_an_anonymous_request_asks_redis_nothing(browser, site):
    assert commands_of(site, lambda: browser.get("/who/")) == 0


def test_a_login_is_one_round_trip(browser, site):
    assert commands_of(site, browser.log_in) == 1


def test_a_logged_in_request_is_one_round_trip(browser, site):
    browser.log_in()
    assert commands_of(site, lambda: browser.get("/who/")) == 1


def test_parallel_requests_of_one_browser_open_one_session(browser, people, site):
    browser.force_login(people["sally"])
    sids = set()
    for _ in range(5):
        copy = type(browser)(site)
        copy.cookies["sessionid"] = browser.cookies["sessionid"].value
        copy.get("/untouched/")
        sids.add(copy.wiki_session.ref.sid)
    assert len(sids) == 1
    assert len(starts_of(site)) == 1


@hypothesis_settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(header=st.text(st.characters(max_codepoint=255), max_size=200))
def test_no_cookie_breaks_a_page_or_logs_anybody_in(browser, header):
    response = browser.get("/who/", headers={"cookie": f"{NAME}={header}"})
    assert response.status_code == 200
    assert response.content == b""


@pytest.mark.parametrize("lacks", ["was lost", "was never opened", "was there before"])
def test_a_logout_is_not_outrun_by_a_request_that_opens_a_session_beside_it(browser, people, site, lacks):
    if lacks == "was lost":
        browser.log_in()
        site.redis.flushall()
    else:
        browser.force_login(people["sally"])
    if lacks == "was there before":
        session = browser.session
        del session["_wiki_session"]
        session.save()
    browser.get("/leave-late/")
    assert site.count() == 0
    assert browser.wiki_session is None


def test_an_oversized_cookie_and_several_of_the_name_count_as_none(browser, other_browser, site):
    browser.log_in()
    token = browser.wiki_cookie
    for header in (f"{NAME}={'x' * 100_000}", f"{NAME}={token}; {NAME}=0.{'y' * 43}", f"{NAME}=99.{'y' * 43}"):
        response = other_browser.get("/who/", headers={"cookie": header})
        assert response.status_code == 200
    assert browser.wiki_name == "sally"


@pytest.mark.leaves_mess
def test_a_record_that_is_no_json_breaks_no_page(browser, site, caplog):
    browser.log_in()
    ref = browser.wiki_session.ref
    site.redis.hset(site.keys.shards[0].records, ref.sid, "{nonsense")
    assert browser.get("/who/").status_code == 200


def test_the_migrations_are_complete(site):
    call_command("makemigrations", "--check", "--dry-run")


def test_threads_share_one_store(site, browser):
    browser.log_in()
    token = make_token(b"x", "n", 0, 0)
    errors = []

    def read():
        try:
            for _ in range(50):
                site.read(token)
        except Exception as error:  # noqa: BLE001 - whatever it is, the test is to name it
            errors.append(error)

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    connection.close()
    assert errors == []


@pytest.mark.unguarded
def test_a_cookie_of_another_sites_prefix_proves_nothing(browser, other_browser, site, settings):
    settings.WIKI_REDIS_PREFIX = "other"
    other_browser.log_in("harry")
    foreign = other_browser.wiki_cookie
    settings.WIKI_REDIS_PREFIX = "sso"
    browser.log_in("sally")
    token = browser.wiki_cookie
    browser.cookies[NAME] = foreign
    assert browser.get_text("/who/") == "sally"
    assert browser.wiki_cookie == token
    assert site.redis.exists(f"other:{{0}}:session:{parse_token(foreign).sid}")


def test_a_cookie_of_an_ended_session_proves_nothing_and_harms_nobody(browser, other_browser, site):
    other_browser.log_in("harry")
    dead = other_browser.wiki_cookie
    other_browser.get("/leave/")
    browser.log_in("sally")
    token = browser.wiki_cookie
    browser.cookies[NAME] = dead
    assert browser.get_text("/who/") == "sally"
    assert browser.wiki_cookie == token
    assert [reason for _, reason in ends_of(site)] == ["logout"]


def test_another_users_cookie_does_not_stay_with_who_is_not_logged_in(browser, other_browser, site):
    other_browser.log_in("harry")
    browser.cookies[NAME] = other_browser.wiki_cookie
    assert browser.get("/untouched/")["Vary"] == "Cookie"
    assert browser.wiki_cookie is None


GARBAGE = [None, 5, "x", [], [1, 2, 3, 4], ["n", "x", 0, None], ["n", 0, 99, None, "s"], ["n", 0, -1, None], {"a": 1}]


@pytest.mark.parametrize("kept", GARBAGE, ids=str)
def test_whatever_stands_in_the_session_is_put_right(browser, site, kept):
    browser.log_in()
    session = browser.session
    session["_wiki_session"] = kept
    session.save()
    del browser.cookies[NAME]
    assert browser.get_text("/who/") == "sally"
    assert browser.wiki_name == "sally"
    browser.get("/leave/")
    assert browser.wiki_cookie is None


@pytest.mark.parametrize("page", ["/who/", "/leave/"])
def test_with_fewer_shards_than_before_people_stay_logged_in(browser, site, people, settings, page):
    settings.WIKI_REDIS_SHARDS = 4
    for person in people.values():
        browser.force_login(person)
        browser.get("/untouched/")
        settings.WIKI_REDIS_SHARDS = 1
        assert browser.get(page).status_code == 200
        if page == "/who/":
            assert browser.wiki_name == person.username
        settings.WIKI_REDIS_SHARDS = 4


def test_a_session_engine_that_fails_fails_no_page_that_does_without(browser, settings, monkeypatch):
    from django.contrib.sessions.backends.base import SessionBase

    browser.log_in()
    token = browser.wiki_cookie

    def fail(*_):
        raise OSError("the disk is gone")

    monkeypatch.setattr(SessionBase, "_get_session", fail)
    monkeypatch.setattr(SessionBase, "_aget_session", fail)
    monkeypatch.setattr(SessionBase, "is_empty", lambda _: False)
    assert browser.get("/untouched/").status_code == 200
    assert browser.wiki_cookie == token
