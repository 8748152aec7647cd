"""The health page of a real worker."""

from __future__ import annotations

import http.client
import json
import re
import socket
import urllib.error
import urllib.request
from contextlib import closing

import pytest
from prometheus_client.parser import text_string_to_metric_families

from session_store import Person, Ref, make_nonce, make_token
from session_store.audit import AuditReader
from tests.servers import RedisServer
from tests.wait import wait_until
from worker.health import STUCK, Health
from worker.http import serve_health
from worker.metrics import Metrics


class Page:
    """What a health page at a port says."""

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        self.port = port
        self._host = host

    def get(self, path: str) -> tuple[int, str, str]:
        with closing(http.client.HTTPConnection(self._host, self.port, timeout=10)) as connection:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.getheader("Content-Type", ""), answer.read().decode()

    def conditions(self) -> dict[str, bool]:
        verdicts = json.loads(self.get("/readyz")[2])["conditions"]
        return {verdict["name"]: verdict["holds"] for verdict in verdicts}


@pytest.fixture
def health():
    return Health(hearing=True, flags_missing="", writable=True)


@pytest.fixture
def page(health):
    """A page of a worker that can be relied on."""
    server = serve_health("127.0.0.1", 0, health=health, metrics=Metrics(health))
    yield Page(server.server_port)
    server.shutdown()
    server.server_close()


def page_of(worker) -> Page:
    """The page of a worker that was told to take any port."""
    worker.wait_for_log("/readyz")
    return Page(int(re.search(r"health at http://127\.0\.0\.1:(\d+)/readyz", worker.log)[1]))


ANY_PORT = "127.0.0.1:0"


def test_one_that_lives_says_so_in_a_word(page):
    assert page.get("/livez") == (200, "text/plain; charset=utf-8", "alive\n")
    assert page.get("/livez?probe=1")[0] == 200


def test_one_whose_role_is_stuck_is_not_alive(page, health):
    health.tick("sweeper")
    health._ticks["sweeper"] -= STUCK + 1
    assert page.get("/livez") == (503, "text/plain; charset=utf-8", "stuck: sweeper\n")


def test_one_that_is_ready_says_so_as_json(page):
    status, kind, body = page.get("/readyz")
    assert (status, kind) == (200, "application/json")
    assert json.loads(body)["status"] == "ready"
    assert all(page.conditions().values())


def test_one_that_is_not_ready_says_why(page, health):
    health.hearing = False
    status, _, body = page.get("/readyz")
    assert status == 503
    answer = json.loads(body)
    assert answer["status"] == "degraded"
    (bad,) = [verdict for verdict in answer["conditions"] if not verdict["holds"]]
    assert bad == {"name": "hearing", "holds": False, "text": "no notification has arrived lately"}


@pytest.mark.parametrize("path", ["/", "/livez/", "/metrics/x", "/../livez", "/%2e"])
def test_what_is_not_there_is_not_found(page, path):
    assert page.get(path)[0] == 404


def test_it_does_not_say_which_python_it_runs_on(page):
    with urllib.request.urlopen(f"http://127.0.0.1:{page.port}/livez", timeout=10) as answer:
        assert answer.headers["Server"].strip() == "wiki-worker"


def test_a_client_that_sends_nothing_hangs_nobody_else(page):
    with closing(socket.create_connection(("127.0.0.1", page.port))) as slow:
        slow.sendall(b"GET /livez HT")
        silent = [socket.create_connection(("127.0.0.1", page.port)) for _ in range(10)]
        assert page.get("/livez")[0] == 200
        for one in silent:
            one.close()
        slow.sendall(b"TP/1.0\r\n\r\n")
        assert slow.recv(100).startswith(b"HTTP/1.0 200")


def test_a_port_that_is_taken_is_an_error_in_the_log_and_no_page(page, health, caplog):
    assert serve_health("127.0.0.1", page.port, health=health, metrics=Metrics(health)) is None
    assert f"no health page: Address already in use on 127.0.0.1:{page.port}; set WIKI_WORKER_HTTP" in caplog.text


def test_a_worker_whose_port_is_taken_does_not_start_and_says_why(page, start_worker):
    worker = start_worker(WIKI_WORKER_HTTP=f"127.0.0.1:{page.port}")
    assert worker.wait() == 1
    assert "no health page: Address already in use" in worker.log
    assert "set WIKI_WORKER_HTTP" in worker.log


def test_an_address_of_ipv6_is_one_too(health):
    try:
        with closing(socket.socket(socket.AF_INET6)) as probe:
            probe.bind(("::1", 0))
    except OSError:
        pytest.skip("this machine has no IPv6")
    server = serve_health("::1", 0, health=health, metrics=Metrics(health))
    assert server is not None
    try:
        assert Page(server.server_port, "::1").get("/livez")[0] == 200
    finally:
        server.shutdown()
        server.server_close()


def test_a_worker_becomes_ready_and_degraded_while_redis_is_away_and_ready_again(start_worker):
    with RedisServer() as server:
        worker = start_worker(url=server.url, WIKI_WORKER_HTTP=ANY_PORT)
        page = page_of(worker)
        wait_until(lambda: page.get("/readyz")[0] == 200, "it to be ready")
        server.stop()
        wait_until(lambda: page.get("/readyz")[0] == 503, "it to be degraded")
        assert not page.conditions()["connected"]
        assert page.get("/livez")[0] == 200
        server.start()
        wait_until(lambda: page.get("/readyz")[0] == 200, "it to be ready again")


def test_a_worker_that_cant_write_is_degraded_until_it_can(start_worker, raw, tmp_path):
    (tmp_path / "audit.jsonl").mkdir()
    worker = start_worker(WIKI_WORKER_HTTP=ANY_PORT)
    page = page_of(worker)
    worker.wait_for_log("events wait in Redis")
    wait_until(lambda: not page.conditions()["audit log"], "it to say so")
    (tmp_path / "audit.jsonl").rmdir()
    wait_until(lambda: page.conditions()["audit log"], "it to write")


def test_the_figures_are_right_and_name_nobody(start_worker, store):
    worker = start_worker(WIKI_WORKER_HTTP=ANY_PORT)
    page = page_of(worker)
    worker.wait_for_log("listening")
    refs = []
    for number in range(6):
        token = make_token(b"the site's", make_nonce(), 0, 0)
        person = Person("4711", "mallory", "m@example.org", "Mallory M", "203.0.113.99", "Secret Agent 1.0")
        assert store.open(token, person, age=200 if number < 3 else 3_600_000).lives
        refs.append(Ref(0, token.sid, "4711"))
    store.end(refs[3], "logout")
    store.end(refs[4], "revoked", actor="4712")
    wait_until(lambda: len(worker.ends) == 5, "the ends")
    figures = {}

    def look() -> dict[str, float]:
        text = page.get("/metrics")[2]
        families = list(text_string_to_metric_families(text))
        figures.update({s.name + "".join(s.labels.values()): s.value for f in families for s in f.samples})
        return figures

    # What is written is counted a moment later.
    wait_until(lambda: look()["wiki_sessions_started_total"] == 6, "the starts to be counted")
    wait_until(
        lambda: sum(value for name, value in look().items() if name.startswith("wiki_sessions_ended_total")) == 5,
        "the ends to be counted",
    )
    assert figures["wiki_sessions_ended_totalrevoked"] == 1
    assert figures["wiki_sessions_ended_totalexpired"] == 3
    assert figures["wiki_sessions_ended_totallogout"] == 1
    assert figures["wiki_end_lateness_seconds_count"] == 3
    assert figures["wiki_end_lateness_seconds_sum"] < 3
    assert figures["wiki_audit_refused_total"] == 0
    assert {"wiki_gaps_total", "wiki_reconnects_total", "wiki_sessions_live", "wiki_audit_backlog"} <= figures.keys()
    pages = "".join(page.get(path)[2] for path in ("/livez", "/readyz", "/metrics", "/nothing"))
    for private in (
        "4711",
        "4712",
        "mallory",
        "Mallory",
        "example.org",
        "203.0.113.99",
        "Agent",
        *(r.sid for r in refs),
    ):
        assert private not in pages


def figure(page: Page, name: str) -> float:
    """One figure of those for Prometheus."""
    families = text_string_to_metric_families(page.get("/metrics")[2])
    return next(sample.value for family in families for sample in family.samples if sample.name == name)


def test_a_cut_subscription_is_counted_as_a_gap_and_as_a_reconnect(start_worker, store):
    worker = start_worker(WIKI_WORKER_HTTP=ANY_PORT)
    page = page_of(worker)
    worker.wait_for_log("reconciled")
    assert figure(page, "wiki_reconnects_total") == 0
    gaps = figure(page, "wiki_gaps_total")
    store.redis.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
    wait_until(lambda: figure(page, "wiki_gaps_total") > gaps, "the gap to be counted")
    wait_until(lambda: figure(page, "wiki_reconnects_total") > 0, "the reconnect to be counted", 3)


def test_events_that_are_written_already_are_counted(start_worker, open_session, store):
    AuditReader(store, "slow").attach()
    worker = start_worker(WIKI_WORKER_HTTP=ANY_PORT)
    refs = [open_session(age=100) for _ in range(3)]
    wait_until(lambda: len(worker.ends) == 3, "the ends")
    worker.kill()
    readers = store.keys.shards[0].readers
    (name,) = set(store.redis.hkeys(readers)) - {b"slow"}
    store.redis.hset(readers, name, "0-0 x ")
    worker.directory.joinpath("worker.log").unlink()
    worker.start()
    page = page_of(worker)
    wait_until(lambda: figure(page, "wiki_audit_refused_total") == 6, "what was refused to be counted")
    assert figure(page, "wiki_sessions_started_total") == 0
    assert {ref.sid for ref in refs} == set(worker.ends)
