"""``manage.py wiki_sessions``: who is in the wiki, and out with them."""

from __future__ import annotations

import io
import json

import pytest
from django.core.management import CommandError, call_command

from session_store import Person, make_nonce, make_token
from tests.servers import free_port

from .conftest import ends_of


def run(*words: str) -> str:
    out = io.StringIO()
    call_command("wiki_sessions", *words, stdout=out)
    return out.getvalue()


@pytest.fixture
def both(browser, other_browser, site):
    browser.log_in("sally")
    other_browser.log_in("harry")
    return browser.wiki_session, other_browser.wiki_session


def test_it_lists_who_is_there(both):
    lines = run("list").splitlines()
    assert len(lines) == 2
    assert {line.split("  ")[0] for line in lines} == {session.ref.sid for session in both}
    (line,) = run("list", "--user", "sally").splitlines()
    assert "  sally  127.0.0.1  " in line


def test_it_lists_for_machines(both, people):
    (line,) = run("list", "--json", "--user-id", str(people["harry"].pk)).splitlines()
    found = json.loads(line)
    assert found["sid"] == both[1].ref.sid
    assert found["user_name"] == "harry"
    assert found["started_at"].endswith("Z")


def test_it_counts(both):
    assert run("count") == "2\n"
    assert json.loads(run("count", "--json", "--user", "sally")) == {"sessions": 1}


def test_it_ends_a_users_and_the_audit_log_says_who_did_it(both, site, people):
    assert run("end", "--user", "sally", "--actor", "harry") == "1 ended\n"
    assert ends_of(site) == [(both[0].ref.sid, "revoked")]
    (fields,) = [f for _, f in site.redis.xrange(site.keys.shards[0].audit) if f[b"action"] == b"end"]
    assert fields[b"actor"].decode() == str(people["harry"].pk)


def test_it_ends_by_sid_for_a_reason(both, site):
    found = json.loads(run("end", "--json", "--reason", "account_disabled", f"--sid={both[1].ref.sid}"))
    assert found == {"ended": [{"sid": both[1].ref.sid, "reason": "account_disabled"}]}
    assert site.count() == 1
    assert run("end", f"--sid={both[1].ref.sid}") == "no such session lives: nothing was ended\n"


def test_it_ends_everybodys(both, site):
    assert run("end", "--all") == "2 ended\n"
    assert site.count() == 0


def test_it_ends_in_every_shard(settings, site, db):
    settings.WIKI_REDIS_SHARDS = 3
    from django_hooks.stores import get_store

    store, sids = get_store(), []
    for shard in range(3):
        token = make_token(b"x", make_nonce(), 0, shard)
        assert store.open(token, Person("1", "x"), age=60_000).lives
        sids.append(token.sid)
    assert run("end", *(f"--sid={sid}" for sid in sids)) == "3 ended\n"


def test_a_terminal_is_not_told_what_a_browser_says(browser, site):
    browser.defaults["HTTP_USER_AGENT"] = "\x1b[2Jgone\x07"
    browser.log_in()
    text = run("list")
    assert "\x1b" not in text
    assert "?[2Jgone?" in text


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("end",), "one of the arguments"),
        (("end", "--user", "nobody"), "no user is called 'nobody'"),
        (("end", "--all", "--actor", "nobody"), "no user is called 'nobody'"),
        (("end", "--sid=short"), "is no session's id"),
        (("end", "--all", "--reason", "evicted"), "invalid choice"),
        ((), "list|count|end"),
    ],
)
def test_what_cant_be_is_said(site, db, words, said):
    with pytest.raises(CommandError, match=said.replace("|", r"\|")):
        run(*words)


@pytest.mark.parametrize("words", [("list",), ("count",), ("end", "--all")])
def test_a_redis_that_is_away_is_said(site, settings, words):
    settings.WIKI_REDIS_URL = f"redis://:secret-word@127.0.0.1:{free_port()}/0"
    with pytest.raises(CommandError, match="Nothing is known about sessions until it answers") as caught:
        run(*words)
    assert "secret-word" not in str(caught.value)
