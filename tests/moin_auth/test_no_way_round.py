"""Whatever a request brings, it is served as the user whose live session its cookie proves, or as anonymous."""

from __future__ import annotations

import moin.app
import moin.auth
import pytest
from moin.auth import BaseAuth, MoinAuth

from moin_auth.profiles import AUTH_METHOD
from tests.wait import wait_until

from .broken import broken
from .conftest import NAME
from .walk import Walk, fields_read_by

#: What moin's auth code looks up in requests, sessions, environments and its own dicts. A name that is new here in a
#: later moin is a way in that nobody has looked at.
LOOKED_UP = {
    *("login_submit", "logout_submit", "stage", "login_username", "login_password", "username", "password"),
    *("user.itemid", "user.trusted", "user.auth_method", "user.auth_attribs", "user.session_token"),
    *("multistage", "item_name", "SECRET_KEY", "MOINCFG", "clock", "itemname", "User-Agent"),
}
FIELDS = dict.fromkeys(
    ["login_username", "username", "login_password", "password", "auth_method", "auth_username", "uid", "multistage"],
    "sally",
)
TRIES = [
    {**FIELDS, "login": "1", "login_submit": "1", "user.itemid": "sally", "REMOTE_USER": "sally"},
    {**FIELDS, "logout_submit": "1"},
    *({**FIELDS, "login_submit": "1", "stage": stage} for stage in ("external_cookie", "moin")),
]


def test_moins_auth_code_looks_up_nothing_that_is_not_tried_here():
    assert fields_read_by(moin.auth) | fields_read_by(moin.app) == LOOKED_UP


@pytest.fixture
def sally(wiki, people, store):
    """A browser whose user is logged in and has been about, and how to log her out elsewhere."""
    token = people("sally", display_name="Sally Surf", email="sally@example.org")
    reader = wiki.reader(token)
    wiki.put("Home", "hello", acl="All:read Known:read,write,create")
    wiki.put("Diary", "dear diary", acl="sally:read,write All:")
    assert wiki.name(reader, "/Diary") == "Sally Surf"
    reader.log_out = lambda: store.end(store.read(token).ref, "logout")
    return reader


def keep_session(reader, auth_method: str | None = None):
    """Return what puts moin's session cookie back as it is now, or with another auth method in it."""
    if auth_method is not None:
        with reader.session_transaction() as session:
            session["user.auth_method"] = auth_method
    value = reader.get_cookie("session").value
    return lambda: reader.set_cookie("session", value)


def walk_as_nobody(wiki, reader, fields, before):
    """Walk, and fail at the first route that knows who somebody is."""
    for served in Walk(wiki.app).with_fields(reader, fields, before):
        assert (served.reader, served.revived) == (None, ()), served
        assert "Diary" not in served.text, served
        assert "Sally Surf" not in served.text, served


@pytest.mark.parametrize("fields", TRIES, ids=lambda fields: fields.get("stage") or [*fields][-1])
def test_every_route_serves_a_user_who_has_left_as_anonymous(wiki, sally, fields):
    before = keep_session(sally)
    sally.log_out()
    walk_as_nobody(wiki, sally, fields, before)


def test_moins_session_revives_nobody_even_where_it_names_our_method(wiki, sally):
    before = keep_session(sally, "external_cookie")
    sally.delete_cookie(NAME, domain="localhost")
    walk_as_nobody(wiki, sally, {"login_submit": "1", "stage": "x"}, before)


@pytest.mark.parametrize("fields", [TRIES[0], TRIES[-1]], ids=["log-in", "stage"])
def test_every_route_serves_the_next_user_of_a_browser_as_himself(wiki, sally, people, fields):
    before = keep_session(sally)
    sally.set_cookie(NAME, people("harry", user_id="2").value, domain="localhost")
    for served in Walk(wiki.app).with_fields(sally, fields, before):
        assert served.reader in {"harry", None}, served
        assert "Diary" not in served.text, served
        assert "Sally Surf" not in served.text, served


def test_other_ways_to_log_in_revive_nobody_either(make_wiki, people, store):
    wiki = make_wiki(others=[MoinAuth()], allow_others=True)
    token = people("sally", display_name="Sally Surf")
    reader = wiki.reader(token)
    assert wiki.name(reader) == "Sally Surf"
    before = keep_session(reader)
    store.end(store.read(token).ref, "logout")
    walk_as_nobody(wiki, reader, TRIES[-1], before)


def test_what_moin_takes_for_a_file_shows_no_page(wiki, people):
    wiki.app.config["PROPAGATE_EXCEPTIONS"] = False
    for place in ("_themes", "static"):
        wiki.put(f"{place}/Diary", "dear diary", acl="sally:read All:")
    for reader in (wiki.reader(people("sally")), wiki.reader()):
        for place in ("_themes", "static", "+serve", "+template"):
            for path in (f"/{place}/Diary", f"/{place}/Diary/", f"/{place}/+history", f"/{place}/+tags"):
                assert "dear diary" not in reader.get(path).text, path


@pytest.mark.parametrize(
    "end", ["logout", "revoked", "expired", "key gone", pytest.param("record gone", marks=pytest.mark.leaves_mess)]
)
def test_an_end_counts_at_the_very_next_request(wiki, people, store, end):
    token = people("sally")
    key = store.keys.shards[0].session(token.sid)
    reader = wiki.reader(token)
    assert wiki.name(reader) == "sally"
    if end == "expired":
        store.redis.pexpire(key, 1)
        wait_until(lambda: store.read(token) is None, "the session's end")
    elif end == "key gone":
        store.redis.delete(key)
    elif end == "record gone":
        store.redis.hdel(store.keys.shards[0].records, token.sid)
    else:
        store.end(store.read(token).ref, end)
    assert wiki.name(reader) is None
    assert reader.get("/+usersettings").status_code == 302


def test_only_moins_own_routes_fail_and_they_fail_without_us_too(wiki, make_wiki):
    without = make_wiki(config={"auth": [Nobody()]})
    assert set(failing(wiki)) <= set(failing(without))


class Nobody(BaseAuth):
    """An auth method that lets nobody in."""

    name = "nobody"


def failing(wiki):
    """Return what fails for a reader without any cookie, on a walk with every field."""
    for served in Walk(wiki.app).with_fields(wiki.reader(), TRIES[0]):
        if served.status == 500:
            yield served.method, served.path


@pytest.mark.parametrize("redis", ["away", "hung", "odd"])
def test_every_route_serves_anonymous_while_redis_is(make_wiki, people, redis):
    with broken(redis) as url:
        wiki = make_wiki(redis_url=url, redis_timeout=0.1)
        reader = wiki.reader(people("sally"))
        itemid = wiki.make_profile("1", ["sally"], ["sally"])
        with reader.session_transaction() as session:
            session |= {"site_user": "1", "user.itemid": itemid, "user.auth_method": AUTH_METHOD}
        walk_as_nobody(wiki, reader, TRIES[2], keep_session(reader))
