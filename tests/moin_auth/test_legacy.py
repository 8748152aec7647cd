"""For the time of the change-over, a cookie of 2012 is believed: for what its profile is, and nothing more."""

from __future__ import annotations

import time
from http.cookies import SimpleCookie

import pytest
from moin.datastructures import ConfigGroups

from moin_auth import ExternalCookie
from session_store import ConfigurationError
from tests.servers import RedisServer

SET = "wiki_cookie_keys"


def old_cookie(
    raw, name: str = "sally", email: str = "s@example.org", key: str = "k" * 64, *, lives: float = 60
) -> str:
    """Make an old cookie, as Django would write it; its key is in the set."""
    raw.zadd(SET, {key: time.time() + lives})
    return SimpleCookie({"c": f"{name}#{email}#{key}"})["c"].coded_value


def browser(wiki, cookie: str, beside: str = ""):
    """Return a browser that sends a cookie exactly so."""
    client = wiki.app.test_client(use_cookies=False)
    client.environ_base["HTTP_COOKIE"] = f"wiki_session={cookie}{beside}"
    return client


@pytest.fixture(scope="module")
def old_wiki(make_lasting_wiki, redis_server):
    """A wiki with accounts from before, which accepts old cookies and may look at their set."""

    def make(**options):
        wiki = make_lasting_wiki(**{"accept_legacy": True, "redis_url": redis_server.url, **options})
        for name in ("sally", "büro", "boss"):
            itemid = wiki.make_profile(None, [name], [])
            wiki.change(itemid, email="s@example.org")
        return wiki

    return make


@pytest.fixture(scope="module")
def wiki(old_wiki):
    return old_wiki()


def test_an_old_cookie_is_its_profile_as_it_is(wiki, raw) -> None:
    before = [wiki.revisions_of(profile["itemid"]) for profile in wiki.profiles()]
    assert wiki.name(browser(wiki, old_cookie(raw))) == "sally"
    assert wiki.name(browser(wiki, old_cookie(raw, "büro"))) == "büro"
    assert [wiki.revisions_of(profile["itemid"]) for profile in wiki.profiles()] == before
    raw.delete(SET)
    assert wiki.name(browser(wiki, old_cookie(raw).replace("kkkk", "xxxx"))) is None


def test_without_accept_legacy_it_is_nobody(old_wiki, raw) -> None:
    wiki = old_wiki(accept_legacy=False)
    assert wiki.name(browser(wiki, old_cookie(raw))) is None


def test_a_name_without_its_profile_and_address_is_nobody(wiki, raw) -> None:
    wrong = [("harry", "s@example.org"), ("sally", "other@example.org"), ("sally", ""), ("Sally", "s@example.org")]
    for name, email in wrong:
        assert wiki.name(browser(wiki, old_cookie(raw, name, email))) is None


def test_a_name_with_rights_or_an_owner_is_not_had_by_an_old_cookie(old_wiki, raw) -> None:
    wiki = old_wiki(config={"acl_functions": "boss:superuser"}, bind={"boss": 1, "sally": 2})
    assert wiki.name(browser(wiki, old_cookie(raw, "boss"))) is None
    assert wiki.name(browser(wiki, old_cookie(raw, "sally"))) is None


def test_an_old_cookie_does_not_open_the_profile_of_a_user_of_the_site(old_wiki, raw, people, store) -> None:
    wiki = old_wiki(legacy={"cookie_name": "old"}, adopt_existing=True)
    cookie = old_cookie(raw, "sally", key="m" * 64)
    old = wiki.app.test_client(use_cookies=False)
    old.environ_base["HTTP_COOKIE"] = f"old={cookie}"
    assert wiki.name(old) == "sally"
    assert wiki.name(wiki.reader(people("sally", email="s@example.org"))) == "sally"
    store.end_user("1", "account_disabled")
    assert wiki.name(old) is None


def test_an_old_cookie_does_not_open_an_account_with_a_name_that_a_user_of_the_site_had(old_wiki, raw) -> None:
    wiki = old_wiki()
    wiki.make_profile("7", ["harry"], ["harry", "sally"])
    assert wiki.name(browser(wiki, old_cookie(raw))) is None


def test_an_old_cookie_brings_no_rights_through_a_group(old_wiki, raw) -> None:
    groups = {"AdminGroup": ["sally"]}
    wiki = old_wiki(config={"acl_functions": "AdminGroup:superuser", "groups": lambda _: ConfigGroups(groups)})
    assert wiki.name(browser(wiki, old_cookie(raw))) is None
    assert wiki.name(browser(wiki, old_cookie(raw, "büro"))) == "büro"


def test_who_has_a_new_cookie_is_judged_by_it_alone(old_wiki, raw, people, store) -> None:
    wiki = old_wiki(legacy={"cookie_name": "old"}, adopt_existing=True)
    token = people("harry", user_id="9")
    reader = browser(wiki, token.value, f"; old={old_cookie(raw)}")
    assert wiki.name(reader) == "harry"
    store.end(store.read(token).ref, "revoked")
    assert wiki.name(reader) is None


def test_scores_say_when_a_cookie_ends_or_with_an_age_when_it_was_made(wiki, old_wiki, raw) -> None:
    assert wiki.name(browser(wiki, old_cookie(raw, lives=-1))) is None
    wiki = old_wiki(legacy={"age": 100})
    assert wiki.name(browser(wiki, old_cookie(raw, lives=-50))) == "sally"
    assert wiki.name(browser(wiki, old_cookie(raw, lives=-101))) is None
    assert wiki.name(browser(wiki, old_cookie(raw, lives=100_000))) is None


def test_a_disabled_profile_stays_nobody(wiki, raw) -> None:
    (itemid,) = [profile["itemid"] for profile in wiki.profiles() if profile["name"] == ["büro"]]
    wiki.change(itemid, disabled=True)
    assert wiki.name(browser(wiki, old_cookie(raw, "büro"))) is None


def test_log_out_leads_to_the_site_which_alone_can_take_the_cookie_back(old_wiki, raw) -> None:
    wiki = old_wiki(site_url="http://site.example/sso/")
    reader = browser(wiki, old_cookie(raw))
    answer = reader.get("/+logout?next=%2FHome")
    assert (answer.status_code, answer.location) == (
        303,
        "http://site.example/sso/leave/?next=http%3A%2F%2Flocalhost%2FHome",
    )


def test_nonsense_is_nobody(wiki, raw) -> None:
    raw.zadd(SET, {"k": time.time() + 60, "": time.time() + 60})
    for value in ("#", "##", "a##", "a#b", "a#b#c#d", '"', '"\\777"', "sally#" + "x" * 2000 + "#k", "\\"):
        assert wiki.name(browser(wiki, value)) is None


def test_old_cookies_are_nobodys_while_redis_is_away_or_the_set_is_none(wiki, old_wiki, raw) -> None:
    cookie = old_cookie(raw)
    raw.delete(SET)
    raw.set(SET, "no set")
    assert wiki.name(browser(wiki, cookie)) is None
    with RedisServer() as redis:
        wiki = old_wiki(legacy={"redis_url": redis.url})
        with redis.client() as client:
            cookie = old_cookie(client)
        assert wiki.name(browser(wiki, cookie)) == "sally"
        redis.stop()
        assert wiki.name(browser(wiki, cookie)) is None


def test_an_age_must_be_one() -> None:
    with pytest.raises(ConfigurationError, match="age"):
        ExternalCookie(accept_legacy=True, legacy={"age": 0})
