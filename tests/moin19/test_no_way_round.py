"""Whatever a request brings, a wiki of MoinMoin 1.9 serves it to who is proved by Redis, or to nobody."""

from __future__ import annotations

import re
import xmlrpc.client

import pytest

from session_store import Store, parse_token
from tests.moin19.wikis import Wiki, name_in
from tests.servers import RedisServer

#: Whoever has this name may do everything; the wiki's own account of it has the password "surfsurf".
ADMIN = ["Admin", "admin@example.org", "surfsurf"]

CONFIG = {"superuser": ["Admin"], "actions_excluded": [], "acl_rights_default": "Known:read,write All:read"}


@pytest.fixture(scope="module")
def wiki(make_wiki) -> Wiki:
    return make_wiki(
        users=[ADMIN, ["old", "old@example.org", "surfsurf"]],
        config=CONFIG,
        method={"site_url": "http://site.example/sso/", "bind": {"Admin": "1000"}},
    )


def end(store: Store, cookie: str) -> None:
    token = parse_token(cookie)
    assert token
    session = store.read(token)
    assert session
    assert store.end(session.ref, "revoked")


def test_a_live_session_is_its_user_and_an_ended_one_nobody(wiki, store, log_in) -> None:
    reader = wiki.reader(log_in())
    assert reader.name() == "sally"
    end(store, reader.site_cookie)
    assert reader.name() is None


@pytest.mark.parametrize(
    "cookie",
    ["", "x", "0." + "A" * 43, "9999." + "A" * 43, "0.\xe9" + "A" * 42, "sally#s@e.org#key", "0." + "A" * 4000],
)
def test_no_other_cookie_is_anybody(cookie, wiki, raw) -> None:
    assert wiki.reader(cookie.encode().decode("latin-1")).name() is None


def test_two_cookies_that_differ_prove_nothing(wiki, log_in) -> None:
    one, other = log_in(), log_in("harry", "2")
    assert wiki.reader(f"{one}; wiki_session={other}").name() is None
    assert wiki.reader(f"{one}; wiki_session={one}").name() == "sally"


def test_a_password_of_the_wikis_own_opens_nothing(wiki, raw) -> None:
    reader = wiki.reader()
    for path in ("/Home?action=login", "/Home", "/Home?action=edit"):
        form = {"login": "Login", "name": "Admin", "password": "surfsurf", "stage": "moin"}
        answer = reader.post(path, form)
        assert answer.status == 303 or name_in(answer.text) is None
        assert reader.name() is None


def test_moins_own_session_brings_nobody_back(wiki, store, log_in) -> None:
    reader = wiki.reader(log_in())
    assert reader.name() == "sally"
    (kept,) = [cookie for cookie in reader.jar if cookie.name.startswith("MOIN_SESSION")]
    reader.site_cookie = None
    assert kept.value
    assert reader.name() is None


def call(method: str, *params: object) -> dict:
    return {"methodName": method, "params": list(params)}


def multicall(reader, *calls: dict) -> list:
    answer = reader.post("/?action=xmlrpc2", xmlrpc.client.dumps((list(calls),), "system.multicall"))
    (found,), _ = xmlrpc.client.loads(answer.text)
    return found


def test_xml_rpc_takes_over_no_session_and_no_password(wiki, store, log_in) -> None:
    reader = wiki.reader(log_in())
    assert reader.name() == "sally"
    (kept,) = [cookie.value for cookie in reader.jar if cookie.name.startswith("MOIN_SESSION")]
    who = call("getUserProfile")
    assert multicall(reader, call("getAuthToken", "x", "y"), who)[1][0]["name"] == "sally"
    told = multicall(wiki.reader(), call("applyAuthToken", kept), who)
    assert "Invalid token" in str(told[0])
    assert told[1] == [{}]
    assert multicall(wiki.reader(), call("getAuthToken", "Admin", "surfsurf"), who) == [[""], [{}]]
    end(store, reader.site_cookie)
    told = multicall(reader, call("getAuthToken", "sally", ""), call("applyAuthToken", kept), who)
    assert told[0] == [""]
    assert told[2] == [{}]


@pytest.mark.parametrize("action", ["newaccount", "recoverpass", "userprofile"])
def test_accounts_and_passwords_are_not_made_in_the_wiki(action, wiki, log_in) -> None:
    for reader in (wiki.reader(), wiki.reader(log_in()), wiki.reader(log_in("Admin", "1000"))):
        assert reader.get(f"/Home?action={action}").status == 403
        assert reader.post("/Home", {"action": action, "create": "1", "name": "Neu", "password1": "x"}).status == 403


def test_an_admin_becomes_nobody_else(make_wiki, log_in) -> None:
    wiki = make_wiki(config=CONFIG, method={"bind": {"Admin": "1000"}})
    admin = wiki.reader(log_in("Admin", "1000"))
    assert admin.name() == "Admin"
    assert "Switch user" not in admin.get("/Home?action=userprefs").text
    assert "Change password" not in admin.get("/Home?action=userprefs").text
    victim = wiki.reader(log_in("victim", "2"))
    assert victim.name() == "victim"
    (uid,) = [profile["id"] for profile in wiki.profiles() if profile["name"] == "victim"]
    ticket = re.search(r'name="ticket" value="([^"]+)"', admin.get("/Home?action=userprefs&sub=prefs").text)
    form = {"action": "userprefs", "handler": "suid", "selected_user": uid, "ticket": ticket[1] if ticket else ""}
    assert name_in(admin.post("/Home", form).text) == "Admin"
    assert admin.name() == "Admin"


def test_a_wiki_with_another_way_in_serves_nothing(make_wiki, log_in) -> None:
    for way in ({"others": True}, {"config": {"DesktopEdition": True}}):
        wiki = make_wiki(**way)
        for path in ("/Home", "/Home?action=login&login=1", "/Home?logout=logout", "/Home?action=login&stage=moin"):
            answer = wiki.reader(log_in()).get(path)
            assert "go round" in answer.text or "not given" in answer.text, path
            assert 'id="username"' not in answer.text


def test_everybody_is_anonymous_while_redis_is_away_hangs_or_talks_nonsense(make_wiki) -> None:
    with RedisServer() as redis:
        from session_store import Config, Person, make_nonce, make_token

        store = Store(Config(redis_url=redis.url, redis_timeout=15))
        token = make_token(b"the site's", make_nonce(), 0, 0)
        store.open(token, Person("1", "sally"), age=3_600_000)
        wiki = make_wiki(redis=redis, method={"redis_timeout": 0.3})
        reader = wiki.reader(token.value)
        assert reader.name() == "sally"
        redis.pause()
        assert reader.name() is None
        assert reader.name() is None
        redis.resume()
        redis.stop()
        assert reader.name() is None
        redis.start()
        with redis.client() as raw:
            keys = store.keys.shards[0]
            raw.set(keys.session(token.sid), "", px=100_000)
            for record in (b"\xff", b"[]", b"{}", b'{"user":1,"name":"sally","created":1,"expires":9e15}', b"null"):
                raw.hset(keys.records, token.sid, record)
                assert reader.name() is None
            raw.delete(keys.records)
            raw.set(keys.records, "of the wrong type")
            assert reader.name() is None
        assert wiki.said.count("everybody is anonymous") == 1
        assert token.value not in wiki.said
