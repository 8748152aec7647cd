"""The audit log of a cluster: a lane a shard, whatever happens to the nodes."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from session_store import Config, Ref, Store, StoreUnavailable
from tests.wait import wait_until
from tests.worker.conftest import open_on
from tests.worker.test_auditor_rollback import lines_of, once, wait_for_lines
from worker import auditor
from worker.audit_log import AuditLog
from worker.auditor import Auditor
from worker.health import Health
from worker.lane import lanes_of
from worker.loop import Loop
from worker.metrics import Metrics
from worker.report import Report

from .node import Node
from .servers import ClusterServers, slot_of

SHARDS = 6


@pytest.fixture(scope="module")
def cluster() -> Iterator[ClusterServers]:
    with ClusterServers() as cluster:
        yield cluster


@pytest.fixture
def wide(cluster: ClusterServers) -> Store:
    cluster.wait_until_settled()
    for node in cluster.primaries:
        node.admin.flushall()
    return Store(Config(redis_url=cluster.url, redis_shards=SHARDS, redis_timeout=0.5), pause=0)


@contextmanager
def auditors_on(store: Store, path: Path) -> Iterator[None]:
    """Run the auditors of all lanes, as the worker does."""
    log, health, stop = AuditLog(path), Health(), threading.Event()
    report = Report(Metrics(health), health)
    loops = [
        Loop(
            Auditor(store=store, lane=lane, log=log, report=report, health=health),
            stop,
            health=health,
            on_back=lambda _: None,
        )
        for lane in lanes_of(store)
    ]
    for loop in loops:
        loop.start()
    try:
        yield
    finally:
        stop.set()
        for loop in loops:
            loop.join(30)
        log.close()


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Path:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(auditor, "WAIT", 0.1)  # a stop waits for it
    return tmp_path / "audit.jsonl"


def open_in(store: Store, *shards: int, each: int = 5) -> list[Ref]:
    """Open sessions in some shards."""
    users = (str(number) for number in range(10_000))
    wanted = [shard for shard in shards for _ in range(each)]
    refs = []
    for user in users:
        if not wanted:
            return refs
        if store.keys.of_user(user).number == wanted[0]:
            refs.append(open_on(store, user))
            wanted.pop(0)
    raise AssertionError("too few users")


def end(store: Store, refs: list[Ref]) -> None:
    assert len(store.end_all(refs, "logout")) == len(refs)


def shards_on(cluster: ClusterServers, store: Store, node: Node) -> list[int]:
    return [keys.number for keys in store.keys.shards if cluster.owner_of(keys.audit) is node]


def test_what_happens_on_all_nodes_is_in_one_file_once(cluster, wide, path):
    refs = open_in(wide, *range(SHARDS))
    with auditors_on(wide, path):
        end(wide, refs)
        wait_for_lines(once(*refs), path)
    again = open_in(wide, *range(SHARDS), each=1)
    with auditors_on(wide, path):
        wait_for_lines(once(*refs) + once(*again, ended=False), path)


def test_a_node_that_is_hung_keeps_no_shard_of_another_waiting_and_goes_on_later(cluster, wide, path, caplog):
    node = cluster.owner_of(wide.keys.shards[0].audit)
    theirs = shards_on(cluster, wide, node)
    others = [number for number in range(SHARDS) if number not in theirs]
    before = open_in(wide, *theirs)
    hung = [*cluster.replicas_of(node), node]  # or one of them would take over
    with auditors_on(wide, path):
        wait_for_lines(once(*before, ended=False), path)
        end(wide, before)
        for each in hung:
            each.pause()
        try:
            refs = open_in(wide, *others)
            end(wide, refs)
            wait_until(lambda: lines_of(path) >= once(*refs), "what the other nodes have", 3)
        finally:
            for each in reversed(hung):
                each.resume()
        wait_for_lines(once(*before, *refs), path)
        cluster.wait_until_settled()
        later = open_in(wide, *theirs, each=1)
        wait_for_lines(once(*before, *refs) + once(*later, ended=False), path)


def test_a_slot_that_moves_live_takes_its_reader_along(cluster, wide, path, caplog):
    audit = wide.keys.shards[0].audit
    target = next(node for node in cluster.primaries if node is not cluster.owner_of(audit))
    refs = open_in(wide, 0)
    with auditors_on(wide, path):
        wait_for_lines(once(*refs, ended=False), path)
        wait_until(lambda: caplog.text.count("is writing") == SHARDS, "all to have begun")
        cluster.move_slot(slot_of(audit), target)
        end(wide, refs)
        wait_for_lines(once(*refs), path)
        wait_until(lambda: not target.admin.xlen(audit), "everything to be acknowledged")
        assert caplog.text.count("auditor 0 is writing") == 1
        assert "auditor 0 waits" not in caplog.text


def test_a_primary_killed_with_its_replica_up_to_date_costs_no_line_and_repeats_none(cluster, wide, path):
    refs = open_in(wide, *range(SHARDS))
    node = cluster.owner_of(wide.keys.shards[0].audit)
    with auditors_on(wide, path):
        end(wide, refs[: len(refs) // 2])
        node.admin.wait(1, 5000)
        node.kill()
        for keys in wide.keys.shards:
            cluster.wait_for_new_owner(keys.audit, node)
        ended = {ref.sid for ref in refs[: len(refs) // 2]}
        wait_until(lambda: all(f"{sid}-end" in lines_of(path) for sid in ended), "what had ended before", 30)
        rest = [ref for ref in refs if ref.sid not in ended]
        wait_until(lambda: end_in_time(wide, rest) or not rest, "the others to end", 30)
        wait_for_lines(once(*refs), path, seconds=30)
    node.start()
    cluster.wait_until_settled()


def end_in_time(store: Store, rest: list[Ref]) -> None:
    try:
        for ref in [*rest]:
            store.end(ref, "logout")
            rest.remove(ref)
    except StoreUnavailable:
        return
