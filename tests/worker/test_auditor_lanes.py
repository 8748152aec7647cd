"""Several lanes write one audit log: whatever is killed, torn, rotated or taken back, each event is there once."""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from session_store import Config, Ref, Store
from tests.servers import RedisServer
from tests.wait import wait_until
from worker import auditor
from worker.audit_log import AuditLog
from worker.auditor import Auditor
from worker.health import Health
from worker.lane import lanes_of
from worker.metrics import Metrics
from worker.report import Report

from .apart import ApartStore
from .conftest import HOUR, open_on
from .processes import WorkerProcess
from .test_auditor_rollback import lines_of, once, set_room, torn, wait_for_lines

SHARDS = 3


class ApartWorker(WorkerProcess):
    """A worker for which each shard is a lane."""

    program = "tests.worker.apart"


@pytest.fixture
def wide(redis_server: RedisServer, raw) -> Store:
    return ApartStore(Config(redis_url=redis_server.url, redis_timeout=15, redis_shards=SHARDS))


@pytest.fixture
def worker(tmp_path: Path, redis_server: RedisServer, wide: Store) -> Iterator[WorkerProcess]:
    with ApartWorker(tmp_path, redis_server.url, WIKI_REDIS_SHARDS=str(SHARDS)) as worker:
        worker.wait_for_log("is writing", SHARDS)
        yield worker


def open_many(store: Store, count: int, age: int = HOUR) -> list[Ref]:
    """Open sessions in all shards."""
    refs = [open_on(store, str(number), age + number % 100) for number in range(count)]
    assert {ref.shard for ref in refs} == set(range(len(store.keys.shards)))
    return refs


def all_stored(store: Store) -> bool:
    return not any(store.redis.xlen(keys.audit) for keys in store.keys.shards)


def test_each_lane_says_who_it_is_and_all_write_one_file(worker, wide):
    refs = open_many(wide, 20)
    for ref in refs:
        wide.end(ref, "logout")
    wait_for_lines(once(*refs), worker.audit_log)
    assert all(f"auditor {number} is writing" in worker.log for number in range(SHARDS))
    assert worker.stop() == 0


def kill_while_many_end(worker: WorkerProcess, wide: Store) -> None:
    """Kill a worker in the middle of many lines, again and again; see that none is lost or repeated."""
    refs = open_many(wide, 300, age=900)
    for part in (100, 250, 400):
        wait_until(lambda part=part: sum(lines_of(worker.audit_log).values()) >= part, "some of the lines")
        worker.kill()
        worker.start()
    wait_for_lines(once(*refs), worker.audit_log)
    wait_until(lambda: all_stored(wide), "everything to be acknowledged")


def test_a_worker_killed_again_and_again_in_the_middle_of_many_lines_loses_and_repeats_none(worker, wide):
    kill_while_many_end(worker, wide)


def test_rotations_in_the_middle_of_traffic_in_all_lanes_lose_and_repeat_nothing(worker, wide):
    path, files = worker.audit_log, [worker.audit_log]
    refs: list[Ref] = []
    for number in range(1, 5):
        refs += open_many(wide, 60, age=150)
        wait_until(lambda: path.exists() and path.stat().st_size, "lines in the file")
        files.append(path.rename(path.with_name(f"audit.jsonl.{number}")))
        if number == 3:
            worker.kill()
            worker.start()
    wait_for_lines(once(*refs), *files)
    wait_until(path.exists, "a file of the old name")


def test_a_disk_that_is_full_for_one_lane_tears_no_line_of_another(worker, wide):
    refs, path = open_many(wide, 30), worker.audit_log
    wait_for_lines(once(*refs, ended=False), path)
    for number in range(5):
        set_room(worker, path.stat().st_size + 40 + 60 * number)
        for ref in refs[6 * number : 6 * number + 6]:
            wide.end(ref, "logout")
        wait_until(lambda: torn(path), "a torn line")
        set_room(worker, resource.RLIM_INFINITY)
        wait_for_lines(once(*refs[: 6 * number + 6]) + once(*refs[6 * number + 6 :], ended=False), path)


def test_a_redis_that_goes_back_brings_no_lane_a_second_line_or_a_session_back_to_life(tmp_path):
    with RedisServer() as server:
        store = ApartStore(Config(redis_url=server.url, redis_timeout=15, redis_shards=SHARDS))
        with ApartWorker(tmp_path, server.url, WIKI_REDIS_SHARDS=str(SHARDS)) as worker:
            refs = open_many(store, 30)
            wait_for_lines(once(*refs, ended=False), worker.audit_log)
            wait_until(lambda: all_stored(store), "everything to be acknowledged")
            store.redis.save()
            for ref in refs[:20]:
                store.end(ref, "logout")
            wait_for_lines(once(*refs[:20]) + once(*refs[20:], ended=False), worker.audit_log)
            server.kill()
            server.start()
            wait_until(lambda: store.count() == 10, "those to be ended that had ended")
            assert {session.ref.sid for session in store.sessions()} == {ref.sid for ref in refs[20:]}
            for ref in refs[20:]:
                store.end(ref, "logout")
            wait_for_lines(once(*refs), worker.audit_log)


@pytest.fixture
def auditors(wide: Store, tmp_path: Path) -> Callable[[], list[Auditor]]:
    """Make the auditors of all lanes, which a test steps by hand; they wait for nothing."""

    def make(store: Store = wide) -> list[Auditor]:
        log, health = AuditLog(tmp_path / "audit.jsonl"), Health()
        report = Report(Metrics(health), health)
        return [Auditor(store=store, lane=lane, log=log, report=report, health=health) for lane in lanes_of(store)]

    return make


def step_until_stored(auditors: list[Auditor], store: Store) -> None:
    wait_until(lambda: [each.step() for each in auditors] and all_stored(store), "everything to be stored")


def close(auditors: list[Auditor]) -> None:
    for each in auditors:
        each.reset()
    auditors[0]._audit_log.close()


def test_a_lane_in_which_nothing_happens_does_not_look_through_what_the_others_wrote_meanwhile(
    wide, auditors, tmp_path, caplog, monkeypatch
):
    monkeypatch.setattr(auditor, "WAIT", 0.01)
    monkeypatch.setattr(auditor, "LOOK", 0.0)
    monkeypatch.setattr(auditor, "MANY", 10)
    caplog.set_level("INFO")
    first = auditors()
    open_many(wide, 30)
    step_until_stored(first, wide)
    quiet, busy = wide.keys.shards[0], [str(number) for number in range(200)]
    for user in [user for user in busy if wide.keys.of_user(user) is not quiet]:
        open_on(wide, user)
    step_until_stored(first, wide)
    for each in first:
        each.step()
    close(first)
    caplog.clear()
    second = auditors()
    step_until_stored(second, wide)
    assert caplog.text.count("; 0 lines to refuse") == SHARDS
    close(second)


def test_a_lane_whose_acknowledgement_was_lost_refuses_its_lines_and_the_others_write_on(
    wide, auditors, tmp_path, monkeypatch
):
    monkeypatch.setattr(auditor, "WAIT", 0.01)
    path, first = tmp_path / "audit.jsonl", auditors()
    refs = open_many(wide, 30)
    slow, *others = first
    dying = wide.keys.shards[0].audit
    monkeypatch.setattr(auditor.AuditReader, "acknowledge_all", die_in(dying, auditor.AuditReader.acknowledge_all))
    wait_until(lambda: dies(slow), "the first lane to die")
    monkeypatch.undo()
    monkeypatch.setattr(auditor, "WAIT", 0.01)
    written = sum(lines_of(path).values())
    assert written
    step_until_stored_but(others, wide, dying)
    path.rename(path.with_name("audit.jsonl.1"))
    for each in others:
        each.step()
    assert not path.exists()
    close(first)
    second = auditors()
    step_until_stored(second, wide)
    assert lines_of(path, path.with_name("audit.jsonl.1")) == once(*refs, ended=False)
    close(second)


class Died(BaseException):
    """As a crash: nothing of ours handles it."""


def die_in(stream: str, acknowledge):
    def dying(reader, stored):
        if any(batch.keys.audit == stream for batch, _ in stored):
            raise Died
        return acknowledge(reader, stored)

    return dying


def dies(auditor: Auditor) -> bool:
    try:
        auditor.step()
    except Died:
        return True
    return False


def step_until_stored_but(auditors: list[Auditor], store: Store, stream: str) -> None:
    def stored() -> bool:
        for each in auditors:
            each.step()
        return not any(store.redis.xlen(keys.audit) for keys in store.keys.shards if keys.audit != stream)

    wait_until(stored, "the others' streams to be stored")
