"""The worker's commands, as an operator types them."""

from __future__ import annotations

import json

import pytest

from tests.servers import RedisServer, free_port

from .processes import run_command


@pytest.mark.unguarded
def test_check_is_content_with_a_redis_that_the_worker_can_set_up(redis_server, raw):
    done = run_command(redis_server.url, "check")
    assert done.returncode == 0, done.stdout
    assert "the worker will add 'Kxe'" in done.stdout
    assert raw.config_get("notify-keyspace-events")["notify-keyspace-events"] == ""


@pytest.mark.unguarded
def test_check_says_what_to_type_where_the_worker_may_not_set_flags(redis_server, raw):
    done = run_command(redis_server.url, "check", WIKI_SET_FLAGS="no")
    assert done.returncode == 1
    assert "CONFIG SET notify-keyspace-events Kxe" in done.stdout


def test_check_names_a_policy_that_may_evict_the_log_itself():
    with RedisServer(maxmemory="100mb", maxmemory_policy="allkeys-lru") as server:
        done = run_command(server.url, "check")
    assert done.returncode == 1
    assert "maxmemory-policy noeviction" in done.stdout


def test_check_speaks_to_machines(redis_server, raw):
    findings = json.loads(run_command(redis_server.url, "check", "--json").stdout)
    assert {finding["topic"] for finding in findings} == {
        *("reachable", "transport", "rights", "version", "config", "flags", "persistence", "eviction")
    }


@pytest.mark.unguarded
def test_check_without_config_goes_by_what_it_can_read(redis_server, raw):
    raw.execute_command("ACL", "SETUSER", "limited", "on", ">pw", "~*", "&*", "+@all", "-config")
    try:
        done = run_command(redis_server.url.replace("//", "//limited:pw@"), "check")
    finally:
        raw.execute_command("ACL", "DELUSER", "limited")
    assert done.returncode == 1
    assert "CONFIG is forbidden" in done.stdout
    assert "can't be read" in done.stdout
    assert "maxmemory" in done.stdout


def test_check_of_a_redis_that_is_away_names_it_without_its_password():
    port = free_port()
    done = run_command(f"redis://:secret-word@127.0.0.1:{port}/0", "check")
    assert done.returncode == 1
    assert f"127.0.0.1:{port}" in done.stdout
    assert "secret-word" not in done.stdout + done.stderr


def test_check_of_a_wrong_password_says_so():
    with RedisServer(requirepass="right") as server:
        done = run_command(server.url.replace("right", "wrong-word"), "check")
    assert done.returncode == 1
    assert "password" in done.stdout.lower() or "auth" in done.stdout.lower()
    assert "wrong-word" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [("WIKI_REDIS_URL", "localhost"), ("WIKI_REDIS_TIMEOUT", "soon"), ("WIKI_SET_FLAGS", "perhaps")],
)
def test_a_setting_that_cant_be_used_is_one_line_and_exit_code_2(name, value):
    done = run_command("redis://localhost", "check", **{name: value})
    assert done.returncode == 2
    assert done.stderr.startswith(f"wiki-worker: {name}")
    assert done.stderr.count("\n") == 1
