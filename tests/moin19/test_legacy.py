"""A wiki of MoinMoin 1.9 believes cookies of 2012 for the time of the change-over, for what their profiles are."""

from __future__ import annotations

import time
from http.cookies import SimpleCookie

import pytest

from tests.moin19.wikis import Wiki

SET = "wiki_cookie_keys"
USERS = [[name, "s@example.org", "surfsurf"] for name in ("sally", "bjorn", "harriet", "Boss")]


@pytest.fixture(scope="module")
def wiki(make_wiki, redis_server) -> Wiki:
    return make_wiki(
        users=USERS,
        config={"superuser": ["Boss"]},
        method={
            "redis_url": redis_server.url,
            "accept_legacy": True,
            "legacy": {"cookie_name": "wiki_session", "age": 100},
            "adopt_existing": True,
            "bind": {"Boss": 1},
            "site_url": "http://site.example/sso/",
        },
    )


def old_cookie(raw, name: str = "sally", email: str = "s@example.org", key: str = "k" * 64, *, made: float = 0) -> str:
    raw.zadd(SET, {key: time.time() + made})
    return SimpleCookie({"c": f"{name}#{email}#{key}"})["c"].coded_value


def test_an_old_cookie_is_its_profile_as_it_is_and_nothing_more(wiki, raw) -> None:
    before = wiki.profiles()
    assert wiki.reader(old_cookie(raw)).name() == "sally"
    wrong = [("harry", "s@example.org"), ("sally", "x@example.org"), ("sally", ""), ("Sally", "s@example.org")]
    for name, email in [*wrong, ("Boss", "s@example.org")]:
        assert wiki.reader(old_cookie(raw, name, email)).name() is None
    assert wiki.reader(old_cookie(raw, made=-101)).name() is None
    assert wiki.reader(old_cookie(raw, made=1000)).name() is None
    raw.delete(SET)
    assert wiki.reader("sally#s@example.org#" + "k" * 64).name() is None
    raw.set(SET, "no set")
    assert wiki.reader("sally#s@example.org#" + "k" * 64).name() is None
    assert wiki.profiles() == before
    assert "switch it off after the change-over" in wiki.said


def test_the_new_cookie_goes_first_and_log_out_leads_to_the_site(wiki, raw, log_in) -> None:
    reader = wiki.reader(log_in("bjorn", "5"))
    assert reader.name() == "bjorn"
    assert wiki.reader(old_cookie(raw, "bjorn")).name() is None  # the site's address counts now: the profile has none
    answer = wiki.reader(old_cookie(raw)).get("/Home?action=logout")
    assert answer.status == 303
    assert answer.headers["Location"].startswith("http://site.example/sso/leave/?next=")


def test_an_old_cookie_does_not_open_the_profile_of_a_user_of_the_site(wiki, raw, log_in) -> None:
    cookie = old_cookie(raw, "harriet", key="m" * 64)
    assert wiki.reader(cookie).name() == "harriet"
    assert wiki.reader(log_in("harriet", "7", email="s@example.org")).name() == "harriet"
    assert wiki.reader(cookie).name() is None
