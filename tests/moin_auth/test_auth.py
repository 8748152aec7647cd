"""The wiki serves the user whose live session the cookie proves, or anonymous."""

from __future__ import annotations

import pytest

from moin_auth import ExternalCookie
from session_store import ConfigurationError
from tests.servers import RedisServer, free_port
from tests.wait import wait_until

from .conftest import NAME


def test_a_reader_without_a_cookie_is_anonymous(wiki):
    assert wiki.name(wiki.reader()) is None
    assert wiki.profiles() == []


def test_a_live_session_is_served_under_the_sites_name(wiki, people):
    assert wiki.name(wiki.reader(people("sally"))) == "sally"


def test_an_ended_session_is_refused_at_the_next_request(wiki, people, store):
    token = people()
    reader = wiki.reader(token)
    assert wiki.name(reader) == "sally"
    store.end(store.read(token).ref, "logout")
    assert wiki.name(reader) is None


def test_an_expired_session_is_refused(wiki, people, store):
    token = people(age=40)
    reader = wiki.reader(token)
    wait_until(lambda: store.read(token) is None, "the session's end")
    assert wiki.name(reader) is None


def test_moins_own_session_cookie_revives_nobody(wiki, people):
    reader = wiki.reader(people())
    assert wiki.name(reader) == "sally"
    assert reader.get_cookie("session") is not None
    reader.delete_cookie(NAME, domain="localhost")
    assert wiki.name(reader) is None


def test_a_browser_that_changes_user_is_the_new_one(wiki, people):
    reader = wiki.reader(people("sally", user_id="1"))
    assert wiki.name(reader) == "sally"
    reader.set_cookie(NAME, people("harry", user_id="2").value, domain="localhost")
    assert wiki.name(reader) == "harry"


@pytest.mark.parametrize(
    "query", ["login_submit=1&login_username=sally&login_password=x", "logout_submit=1", "login_submit=1&stage=moin"]
)
def test_no_form_field_makes_anybody_somebody(wiki, people, query):
    assert wiki.name(wiki.reader(people())) == "sally"
    stranger = wiki.reader()
    assert wiki.name(stranger, f"/Home?{query}") is None
    assert wiki.name(stranger) is None


@pytest.mark.parametrize("query", ["logout_submit=1", "login_submit=1"])
def test_moins_own_forms_dont_change_who_a_reader_is(wiki, people, query):
    reader = wiki.reader(people())
    wiki.name(reader, f"/Home?{query}")
    assert wiki.name(reader) == "sally"


def test_an_edit_is_made_under_the_sites_name(wiki, people):
    assert not wiki.may_edit(wiki.reader())
    assert wiki.may_edit(wiki.reader(people()))


@pytest.mark.leaves_mess
@pytest.mark.parametrize("record", ["", "{", "[]", "7", '{"v":1}', '{"v":1,"user":5,"name":"x"}', "\xff"])
def test_a_record_that_makes_no_sense_is_anonymous(wiki, people, store, record):
    token = people()
    store.redis.hset(store.keys.shards[0].records, token.sid, record.encode("latin-1"))
    assert wiki.name(wiki.reader(token)) is None


def test_a_redis_that_is_away_makes_everybody_anonymous_and_says_so_once(make_wiki, people, caplog):
    wiki = make_wiki(redis_url=f"redis://:secret-word@127.0.0.1:{free_port()}/0")
    reader = wiki.reader("0." + "x" * 43)
    for _ in range(3):
        assert wiki.name(reader) is None
    assert len([record for record in caplog.records if "everybody is anonymous" in record.message]) == 1
    assert "secret-word" not in caplog.text


def test_a_hung_redis_makes_everybody_anonymous_within_the_timeout(make_wiki):
    with RedisServer() as server:
        wiki = make_wiki(redis_url=server.url, redis_timeout=0.2)
        reader = wiki.reader("0." + "x" * 43)
        server.pause()
        try:
            assert wiki.name(reader) is None
        finally:
            server.resume()


def test_settings_come_from_the_environment_where_none_are_given(monkeypatch, redis_server):
    monkeypatch.setenv("WIKI_REDIS_URL", redis_server.url)
    monkeypatch.setenv("WIKI_REDIS_PREFIX", "club")
    method = ExternalCookie()
    assert method._proof._store.config.redis_url == redis_server.url
    assert method._proof._store.keys.shards[0].sessions == "club:{0}:sessions"


def test_a_setting_that_cant_be_used_is_named(monkeypatch):
    with pytest.raises(ConfigurationError, match="WIKI_REDIS_URL must begin with"):
        ExternalCookie(redis_url="http://localhost")
    with pytest.raises(ConfigurationError, match="WIKI_REDIS_TIMEOUT must be a number"):
        ExternalCookie(redis_timeout="soon")
    with pytest.raises(TypeError, match="autocraete"):
        ExternalCookie(autocraete=True)
