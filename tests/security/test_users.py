"""The ACL file as it ships, and what `wiki-worker check` says of a Redis where something in it is missing."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from session_store import Config, Store, StoreUnavailable
from session_store.keys import Keys
from tests.security.walks import Scene, heard
from tests.servers import PATIENCE, RedisServer, as_user, server_binary, version_of
from tests.session_store.samples import new_token, opened
from tests.worker.processes import run_command
from worker.acl import DEFAULT, lines
from worker.rights import ALL, patterns
from worker.trial import ARGUMENTS

CONF = Path(__file__).parents[2] / "conf"

SELECTORS = version_of(server_binary()) >= (7, 0)


@pytest.mark.parametrize(("name", "selectors"), [("users.acl", True), ("users-redis6.acl", False)])
def test_the_shipped_file_is_what_the_command_prints_below_a_default_user_that_is_off(name, selectors):
    assert (CONF / name).read_text().splitlines() == [DEFAULT, *lines("sso", selectors=selectors)]


@pytest.mark.parametrize("words", [[], ["--redis6"]])
def test_the_command_prints_them_for_the_prefix_and_the_database_that_are_set(words):
    done = run_command("redis://h/3", "users", *words, WIKI_REDIS_PREFIX="club?")
    assert done.stdout.splitlines() == list(lines("club?", 3, selectors=not words))
    assert "+select" in done.stdout
    assert r"&__keyspace@3__:club\?:*:session:*" in done.stdout


@pytest.mark.parametrize("name", ["users.acl", "users-redis6.acl"])
def test_none_of_the_three_has_a_password_or_all_keys_or_all_commands(name):
    default, *ours = (CONF / name).read_text().splitlines()
    assert default == DEFAULT
    for line in ours:
        assert " off resetpass " in line
        for sign in (">", "#", "nopass", " on ", "~*", "&*", "+@", "allkeys", "allchannels", "allcommands"):
            assert sign not in line


def test_nobody_can_log_in_with_the_file_as_it_ships(tmp_path):
    file = tmp_path / "users.acl"
    file.write_bytes((CONF / ("users.acl" if SELECTORS else "users-redis6.acl")).read_bytes())
    with RedisServer(users=False, blind=True, aclfile=str(file)) as server:
        for user in ("default", *(rights.user for rights in ALL)):
            for password in ("", user, "password"):
                store = Store(Config(redis_url=f"redis://{user}:{password}@127.0.0.1:{server.port}/0"))
                with pytest.raises(StoreUnavailable, match="refuses the password"):
                    store.read(new_token())


@pytest.mark.parametrize("how", ["restart", "crash"])
def test_a_default_user_that_is_off_loses_nothing_of_the_append_only_file(how):
    with RedisServer(users=True, appendonly=True, appendfsync="always") as server:
        store = Store(Config(redis_url=as_user(server.url, "wiki-site"), redis_timeout=PATIENCE))
        token = opened(store)
        if how == "restart":
            server.restart()
        else:
            server.kill()
            server.start()
        assert store.read(token)
        assert store.count() == 1


def test_check_names_a_default_user_with_whom_a_restart_would_lose_all(admin_of_aof):
    server, admin = admin_of_aof
    assert [one for one in check(server) if one["topic"] == "persistence" and one["level"] == "wrong"] == []
    admin.execute_command("ACL", "SETUSER", "default", "-@all")
    wrong = [one for one in check(server) if one["topic"] == "persistence" and one["level"] == "wrong"]
    version = admin.info("server")
    assert bool(wrong) is (SELECTORS and "valkey_version" not in version)


@pytest.fixture
def admin_of_aof():
    with RedisServer(users=True, appendonly=True) as server, server.client() as admin:
        yield server, admin


def test_every_kind_of_key_of_the_table_is_one_that_there_is():
    kinds = patterns("sso")
    assert {kind for rights in ALL for kind in rights.keys} == set(kinds)
    assert {command for rights in ALL for words in rights.keys.values() for command in words.split()} - {
        "xread"
    } == set(ARGUMENTS)


def test_with_another_prefix_and_database_the_users_can_work_there_and_nowhere_else(tmp_path):
    with RedisServer(users=False) as server, server.client() as raw:
        for line in lines("club-[1]", 3, selectors=SELECTORS):
            _, user, *rules = line.replace("off resetpass", "resetchannels on >pw").split()
            raw.execute_command("ACL", "SETUSER", user, *rules)
        raw.config_set("notify-keyspace-events", "Kxe")

        def store(user: str, prefix: str = "club-[1]") -> Store:
            url = f"redis://{user}:pw@127.0.0.1:{server.port}/3"
            return Store(Config(redis_url=url, redis_prefix=prefix, redis_timeout=PATIENCE))

        token = opened(store("wiki-site"))
        assert store("wiki-wiki").read(token)
        assert heard(store("wiki-worker")) == Keys("club-[1]").shards[0].canary
        for user in ("wiki-site", "wiki-wiki", "wiki-worker"):
            with pytest.raises(StoreUnavailable, match="may not do that to keys"):
                store(user, "sso").read(token)


def check(server: RedisServer, user: str = "wiki-worker", **settings: str) -> list[dict[str, str]]:
    """Return what `wiki-worker check` finds."""
    return json.loads(run_command(as_user(server.url, user), "check", "--json", **settings).stdout)


def test_check_is_content_with_the_users_as_they_ship(guarded, scene):
    findings = check(guarded)
    assert [finding for finding in findings if finding["level"] == "wrong"] == []
    rights = [finding["text"] for finding in findings if finding["topic"] == "rights"]
    seen = [each.user for each in ALL] if SELECTORS else ["wiki-worker"]
    assert sorted(rights) == sorted(f"{user} may do all that it needs" for user in seen)


LOSSES = [
    ("wiki-worker", "-scan"),
    ("wiki-worker", "-evalsha"),
    ("wiki-worker", "resetchannels"),
    ("wiki-worker", "resetkeys"),
    *([(user, "clearselectors") for user in ("wiki-worker", "wiki-site", "wiki-wiki")] if SELECTORS else []),
    *([] if SELECTORS else [("wiki-worker", "-hdel")]),
]


@pytest.mark.parametrize(("user", "loss"), LOSSES)
def test_check_prints_the_very_lines_that_are_missing(guarded, scene, admin, user, loss):
    admin.execute_command("ACL", "SETUSER", user, loss)
    wrong = [finding for finding in check(guarded) if finding["topic"] == "rights" and finding["level"] == "wrong"]
    assert wrong
    for finding in wrong:
        line = finding["remedy"].removesuffix(", and ACL SAVE")
        assert line.startswith(f"ACL SETUSER {user} ")
        assert line.endswith(finding["text"].split(" lacks ")[1])
        admin.execute_command(*line.split())
    assert [finding for finding in check(guarded) if finding["level"] == "wrong"] == []


def test_check_of_a_user_that_may_not_even_ask_says_so(guarded, scene, admin):
    admin.execute_command(
        "ACL", "SETUSER", "bare", "reset", "on", ">pw", "~*", "+@all", "-acl", "-multi", "-info", "-config"
    )
    try:
        findings = json.loads(run_command(f"redis://bare:pw@127.0.0.1:{guarded.port}/0", "check", "--json").stdout)
    finally:
        admin.execute_command("ACL", "DELUSER", "bare")
    texts = " ".join(finding["text"] for finding in findings)
    assert "what bare may do can't be looked at" in texts
    assert "INFO is forbidden" in texts
    assert "CONFIG is forbidden" in texts


def test_check_warns_of_a_worker_that_is_the_default_user():
    with RedisServer(users=False) as server:
        (note,) = [one for one in check(server) if one["topic"] == "rights" and one["level"] == "note"]
    assert "default user" in note["text"]
    assert re.search("wiki-worker users", note["remedy"])


def test_a_trial_by_transaction_changes_nothing(guarded, scene: Scene, admin):
    from worker.trial import _lacks, _Transaction

    token = scene.opened()
    with guarded.client() as client:
        before = {key: admin.dump(key) for key in admin.scan_iter()}
        with _Transaction(client) as transaction:
            for rights in ALL:
                assert list(_lacks(rights, transaction.may, "sso", 0, selectors=False, cluster=False)) == []
        assert {key: admin.dump(key) for key in admin.scan_iter()} == before
    assert scene.store.read(token)
