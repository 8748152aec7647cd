from __future__ import annotations

import configparser
import json
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

import pytest
import redis

from session_store import Store
from tests.acceptance.demos import ROOT
from tests.servers import RedisServer, free_port, server_binary
from tests.session_store.samples import SALLY, opened, ref_of
from tests.wait import wait_until

CONF = ROOT / "conf"

#: The production file's directories, and what stands for them in a test.
PLACES = {"lib": "/var/lib/wiki-sso", "log": "/var/log/wiki-sso", "run": "/run/wiki-sso"}

#: Seconds the worker takes at most, after TERM, to finish its batch.
DRAIN = 5


def test_supervisord_waits_longer_than_the_worker_drains() -> None:
    assert _program().getint("stopwaitsecs") > DRAIN


def test_the_worker_and_its_watchdog_have_sections_of_their_own_and_nothing_else() -> None:
    sections = _parse(CONF / "wiki-worker.conf").sections()
    assert sections == ["program:wiki-worker", "eventlistener:wiki-worker-watchdog"]


def test_both_supervisords_include_the_same_worker() -> None:
    for path in (CONF / "supervisord.conf", ROOT / "demo" / "supervisord.conf"):
        included = path.parent / _parse(path)["include"]["files"].split()[0]
        assert included.resolve() == (CONF / "wiki-worker.conf").resolve()


def test_production_supervisord_runs_the_worker_and_stops_it_in_time(
    tmp_path: Path, redis_server: RedisServer, store: Store
) -> None:
    with _supervisord(tmp_path, redis_server.url) as process:
        wait_until((tmp_path / "log" / "wiki-worker.log").exists, "the worker's log", 20)
        token = opened(store)
        store.end(ref_of(token, SALLY), "logout")
        audit_log = tmp_path / "lib" / "audit.jsonl"
        wait_until(lambda: audit_log.exists() and audit_log.read_text().count("\n") == 2, "start and end", 20)
        begun = time.monotonic()
        process.terminate()
        assert process.wait(60) == 0
        assert time.monotonic() - begun < _program().getint("stopwaitsecs")
    assert "stopped: wiki-worker (exit status 0)" in _said(tmp_path)
    assert not stat.S_IMODE(audit_log.stat().st_mode) & stat.S_IRWXO


def test_the_watchdog_restarts_a_worker_that_hangs(tmp_path: Path, redis_server: RedisServer, store: Store) -> None:
    patience = {"--timeout 11": "--timeout 2", "stopwaitsecs=20": "stopwaitsecs=1"}
    with _supervisord(tmp_path, redis_server.url, patience):
        first = wait_until(lambda: _worker_pid(store), "the worker", 20)
        # What the watchdog is for: the process is there, and does nothing.
        wait_until(lambda: "RUNNING state, process has stayed up" in _said(tmp_path), "the worker to count as up", 20)
        os.kill(first, signal.SIGSTOP)
        wait_until(lambda: _said(tmp_path).count("spawned: 'wiki-worker'") == 2, "a new worker", 30)
        token = opened(store)
        store.end(ref_of(token, SALLY), "logout")
        audit_log = tmp_path / "lib" / "audit.jsonl"
        wait_until(lambda: audit_log.read_text().count("\n") == 2, "start and end", 20)


@pytest.mark.parametrize("binary", sorted({server_binary(), shutil.which("redis-server") or server_binary()}))
def test_redis_takes_every_line(binary: str, tmp_path: Path) -> None:
    with _redis(binary, tmp_path) as client:
        assert set(client.config_get("notify-keyspace-events")["notify-keyspace-events"]) == set("Kxe")
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        assert client.config_get("appendonly") == {"appendonly": "yes"}
        assert client.config_get("appendfsync") == {"appendfsync": "everysec"}


@contextmanager
def _supervisord(
    directory: Path, redis_url: str, worker: Mapping[str, str] = MappingProxyType({})
) -> Iterator[subprocess.Popen[bytes]]:
    """Run the production file with its directories, user and Redis exchanged, and nothing else."""
    text = (CONF / "supervisord.conf").read_text()
    user = pwd.getpwuid(os.getuid()).pw_name
    exchanged = {
        "user=wiki-sso": f"user={user}",
        "redis://localhost:6379/0": redis_url,
        "127.0.0.1:9110": f"127.0.0.1:{free_port()}",
    }
    for name, place in PLACES.items():
        (directory / name).mkdir()
        exchanged[place] = str(directory / name)
    (directory / "supervisord.conf").write_text(_exchange(text, exchanged))
    (directory / "wiki-worker.conf").write_text(_exchange((CONF / "wiki-worker.conf").read_text(), worker))
    process = subprocess.Popen(
        [sys.executable, "-m", "supervisor.supervisord", "-c", str(directory / "supervisord.conf")],
        env=_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(60)


@contextmanager
def _redis(binary: str, directory: Path) -> Iterator[redis.Redis]:
    port = free_port()
    settings = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(directory)]
    with (directory / "redis.log").open("wb") as log:
        process = subprocess.Popen([binary, str(CONF / "redis.conf"), *settings], stdout=log, stderr=log)
    try:
        with redis.Redis(port=port, decode_responses=True) as client:
            wait_until(lambda: _answers(client), f"{binary} to answer", 15)
            yield client
    finally:
        process.kill()
        process.wait(15)


def _exchange(text: str, exchanged: Mapping[str, str]) -> str:
    for old, new in exchanged.items():
        assert old in text, old
        text = text.replace(old, new)
    return text


def _said(directory: Path) -> str:
    return (directory / "log" / "supervisord.log").read_text()


def _worker_pid(store: Store) -> int | None:
    """Return the process id that the worker's heartbeat tells."""
    said = store.redis.hvals(store.keys.shards[0].workers)
    return int(json.loads(said[0])["pid"]) if said else None


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


def _environment() -> dict[str, str]:
    kept = {name: text for name, text in os.environ.items() if not name.startswith("WIKI_")}
    here = Path(sys.executable).parent
    return {
        **kept,
        "PATH": f"{here}{os.pathsep}{kept['PATH']}",
    }


def _program() -> configparser.SectionProxy:
    return _parse(CONF / "wiki-worker.conf")["program:wiki-worker"]


def _parse(path: Path) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(inline_comment_prefixes=(";",))
    parser.read_string(path.read_text())
    return parser
