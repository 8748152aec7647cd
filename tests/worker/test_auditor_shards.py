"""One lane with several shards, as on one server: what one read brings is written together and acknowledged together.

Whatever is killed or taken back in between, each event is in the file once, and no shard loses what is another's.
"""

from __future__ import annotations

import resource
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, rule, run_state_machine_as_test

from session_store import Config, Ref, Store, StoreUnavailable
from session_store.audit import AuditReader
from session_store.keys import ShardKeys
from session_store.scripts import load
from tests.servers import PATIENCE, RedisServer
from tests.wait import wait_until
from worker import auditor
from worker.audit_file import AuditFile
from worker.audit_log import AuditLog
from worker.auditor import Auditor
from worker.health import Health
from worker.lane import lanes_of
from worker.metrics import Metrics
from worker.report import Report

from .conftest import open_on
from .processes import WorkerProcess
from .test_auditor_lanes import Died, all_stored, kill_while_many_end, open_many
from .test_auditor_rollback import lines_of, once, set_room, torn, wait_for_lines

SHARDS = 4

#: What may happen to the acknowledgements of one read, once it is written.
FAULTS = ("killed before", "killed after", "cut off in the middle", "one taken", "one gone back")


class Meddled(Store):
    """A store on which something happens just before what is written is acknowledged, or instead."""

    def __init__(self, config: Config) -> None:
        super().__init__(config, pause=0)
        self.acknowledged: list[int] = []
        self.meddle: Callable[[Callable[[int], None]], None] | None = None

    def run_all(self, requests):
        if not any(getattr(request, "script", None) is load("acknowledge") for request in requests):
            return super().run_all(requests)
        self.acknowledged.append(len(requests))
        if self.meddle:
            meddle, self.meddle = self.meddle, None
            meddle(lambda count: [super(Meddled, self).run(request) for request in requests[:count]])
        return super().run_all(requests)


class Shard:
    """A shard that can be taken back to what it was."""

    def __init__(self, store: Store, keys: ShardKeys) -> None:
        self._store = store
        self._pattern = keys.session("*").replace("session:*", "*")
        self.note()

    def note(self) -> None:
        """Remember it as it is."""
        redis = self._store.redis
        self._older = {key: (max(0, redis.pttl(key)), redis.dump(key)) for key in redis.scan_iter(self._pattern)}

    def go_back(self) -> None:
        """Make it what it was."""
        redis = self._store.redis
        if now := list(redis.scan_iter(self._pattern)):
            redis.delete(*now)
        for key, (ttl, value) in self._older.items():
            redis.restore(key, ttl, value)


class Bench:
    """An auditor of all shards that is stepped by hand, the sessions, and what is to be in the file."""

    def __init__(self, url: str, directory: Path) -> None:
        self.store = Meddled(Config(redis_url=url, redis_timeout=PATIENCE, redis_shards=SHARDS))
        self.path = directory / "audit.jsonl"
        self.auditor = self._new()

    def _new(self) -> Auditor:
        health, (lane,) = Health(), lanes_of(self.store)
        self.metrics = Metrics(health)
        report = Report(self.metrics, health)
        return Auditor(store=self.store, lane=lane, log=AuditLog(self.path), report=report, health=health)

    def step(self) -> None:
        """Have it step; where it dies, another one comes."""
        try:
            self.auditor.step()
        except StoreUnavailable:
            self.auditor.reset()
        except Died:
            self.close()
            self.auditor = self._new()

    def step_until_stored(self) -> None:
        def stored() -> bool:
            self.step()
            return all_stored(self.store) and self.auditor._reader is not None

        wait_until(stored, "everything to be stored")

    def close(self) -> None:
        self.auditor.reset()
        self.auditor._audit_log.close()

    def files(self) -> list[Path]:
        return [path for path in self.path.parent.glob("audit.jsonl*") if path.suffix != ".lock"]

    def fail(self, fault: str, shard: Shard, keys: ShardKeys) -> None:
        """Have something go wrong once what is read next is written."""

        def meddle(acknowledge: Callable[[int], None]) -> None:
            if fault == "killed before":
                raise Died
            if fault == "killed after":
                acknowledge(SHARDS)
                raise Died
            if fault == "cut off in the middle":
                acknowledge(self.store.acknowledged[-1] // 2)
                raise StoreUnavailable("Redis", "the connection was cut off")
            if fault == "one taken":
                AuditReader(self.store, self.auditor._audit_log.reader_name(), shards=[keys]).attach()
            if fault == "one gone back":
                shard.go_back()

        self.store.meddle = meddle


@pytest.fixture
def bench(redis_server: RedisServer, raw, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setattr(auditor, "WAIT", 0.01)
    bench = Bench(redis_server.url, tmp_path)
    yield bench
    bench.close()


def test_what_one_read_brings_of_all_shards_takes_one_sync_and_one_round_trip(bench, monkeypatch):
    written, append = [], AuditFile.append
    monkeypatch.setattr(AuditFile, "append", lambda file, events: written.append(len(events)) or append(file, events))
    refs = open_many(bench.store, 30)
    bench.step()
    assert written == [30]
    assert bench.store.acknowledged == [SHARDS]
    assert all_stored(bench.store)
    assert lines_of(bench.path) == once(*refs, ended=False)


def test_a_read_of_many_shards_brings_not_many_times_as_much_as_one_of_one(bench, monkeypatch):
    assert auditor.LEAST * 2 < auditor.BATCH
    monkeypatch.setattr(auditor, "BATCH", 12)
    monkeypatch.setattr(auditor, "LEAST", 5)
    bench.close()
    bench.auditor = bench._new()
    refs = open_many(bench.store, 100)
    written, append = [], AuditFile.append
    monkeypatch.setattr(AuditFile, "append", lambda file, events: written.append(len(events)) or append(file, events))
    bench.step_until_stored()
    assert max(written) == 5 * SHARDS
    assert lines_of(bench.path) == once(*refs, ended=False)


def test_one_shard_whose_acknowledgement_is_refused_takes_no_other_along(bench):
    refs, (first, *others) = open_many(bench.store, 30), bench.store.keys.shards
    bench.fail("one taken", Shard(bench.store, first), first)
    bench.step()
    assert bench.store.redis.xlen(first.audit)
    assert not any(bench.store.redis.xlen(keys.audit) for keys in others)
    assert lines_of(bench.path) == once(*refs, ended=False)
    bench.step_until_stored()
    assert lines_of(bench.path) == once(*refs, ended=False)
    refused = sum(ref.shard == first.number for ref in refs)
    assert bench.metrics.refused._value.get() == refused


def test_nothing_is_acknowledged_that_could_not_be_written(bench, monkeypatch):
    refs, append = open_many(bench.store, 10), AuditFile.append

    def full(file, events):
        append(file, events[: len(events) // 2])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(AuditFile, "append", full)
    bench.step()
    assert not bench.store.acknowledged
    assert sum(bench.store.redis.xlen(keys.audit) for keys in bench.store.keys.shards) == len(refs)
    monkeypatch.setattr(AuditFile, "append", append)
    bench.step_until_stored()
    assert lines_of(bench.path) == once(*refs, ended=False)


@pytest.mark.parametrize("fault", FAULTS)
def test_what_happens_between_writing_and_acknowledging_loses_and_repeats_nothing(bench, fault):
    before, keys = open_many(bench.store, 20), bench.store.keys.shards[1]
    bench.step_until_stored()
    shard = Shard(bench.store, keys)
    for ref in before:
        bench.store.end(ref, "logout")
    after = open_many(bench.store, 20)
    bench.auditor.reset()  # else what is read next is the first entry that came, alone
    bench.fail(fault, shard, keys)
    bench.step_until_stored()
    # What had ended and was written down is ended again in the shard that went back.
    lost = [ref for ref in after if fault == "one gone back" and ref.shard == keys.number]
    left = [ref for ref in after if ref not in lost]
    assert bench.store.count() == len(left)
    for ref in left:
        bench.store.end(ref, "logout")
    bench.step_until_stored()
    assert lines_of(*bench.files()) == once(*before, *left) + once(*lost, ended=False)


@pytest.mark.parametrize("fault", FAULTS)
def test_the_file_is_not_rotated_away_from_what_is_not_acknowledged(bench, fault):
    refs, keys = open_many(bench.store, 20), bench.store.keys.shards[1]
    bench.step_until_stored()
    shard = Shard(bench.store, keys)
    for ref in refs:
        bench.store.end(ref, "logout")
    bench.auditor.reset()  # else what is read next is the first entry that came, alone
    bench.fail(fault, shard, keys)
    bench.step()
    bench.path.rename(bench.path.with_name("audit.jsonl.1"))
    bench.step_until_stored()
    wait_until(lambda: bench.step() or bench.path.exists(), "a file of the old name")
    last = open_many(bench.store, 20)
    bench.step_until_stored()
    assert bench.store.count() == len(last)
    assert lines_of(*bench.files()) == once(*refs) + once(*last, ended=False)


class AnyOrder(RuleBasedStateMachine):
    """Sessions of all shards come and go, and everything goes wrong, in any order."""

    refs = Bundle("refs")
    numbers = st.integers(0, SHARDS - 1)

    def __init__(self, url: str) -> None:
        super().__init__()
        self.directory = Path(tempfile.mkdtemp(prefix="any-order-"))
        self.bench = Bench(url, self.directory)
        self.store = self.bench.store
        self.store.redis.flushall()
        self.shards = [Shard(self.store, keys) for keys in self.store.keys.shards]
        homes = {self.store.keys.of_user(user).number: user for user in map(str, range(100))}
        self.users = [homes[number] for number in range(SHARDS)]
        self.known: list[Ref] = []
        self.since: list[list[Ref]] = [[] for _ in self.shards]
        self.excused: set[Ref] = set()

    @rule(target=refs, number=numbers, count=st.integers(1, 5))
    def open(self, number: int, count: int) -> tuple[Ref, ...]:
        found = tuple(open_on(self.store, self.users[number]) for _ in range(count))
        self.known += found
        self.since[number] += found
        return found

    @rule(refs=refs)
    def end(self, refs: tuple[Ref, ...]) -> None:
        self.store.end_all(refs, "logout")

    @rule()
    def step(self) -> None:
        self.bench.step()

    @rule()
    def begin_anew(self) -> None:
        self.bench.auditor.reset()

    @rule(fault=st.sampled_from(FAULTS), number=numbers)
    def step_with_fault(self, fault: str, number: int) -> None:
        self.bench.fail(fault, self.shards[number], self.store.keys.shards[number])
        self.bench.step()
        if fault == "one gone back" and self.store.meddle is None:
            self.excused.update(self.since[number])
        self.store.meddle = None

    @rule(number=numbers)
    def go_back(self, number: int) -> None:
        self.shards[number].go_back()
        self.excused.update(self.since[number])

    @rule(number=numbers)
    def note(self, number: int) -> None:
        self.shards[number].note()
        self.since[number] = []

    @rule()
    def rotate(self) -> None:
        if self.bench.path.exists():
            self.bench.path.rename(self.bench.path.with_name(f"audit.jsonl.{len(self.bench.files())}"))

    def teardown(self) -> None:
        self.store.meddle = None
        self.bench.step_until_stored()
        for ref in self.known:
            self.store.end(ref, "logout")
        self.bench.step_until_stored()
        lines = lines_of(*self.bench.files())
        self.bench.close()
        shutil.rmtree(self.directory)
        assert set(lines.values()) <= {1}, "written twice"
        assert not once(*(ref for ref in self.known if ref not in self.excused)) - lines, "lost"
        assert not lines - once(*self.known), "from nowhere"


def test_in_whatever_order_things_go_wrong_no_event_is_lost_or_written_twice(redis_server, raw, monkeypatch):
    monkeypatch.setattr(auditor, "WAIT", 0.01)
    monkeypatch.setattr(auditor, "LOOK", 0.0)
    monkeypatch.setattr(auditor, "MANY", 5)
    monkeypatch.setattr(auditor, "BATCH", 4)
    monkeypatch.setattr(auditor, "LEAST", 2)
    run_state_machine_as_test(
        lambda: AnyOrder(redis_server.url),
        settings=settings(
            max_examples=60, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )


@pytest.fixture
def worker(tmp_path: Path, redis_server: RedisServer, raw) -> Iterator[WorkerProcess]:
    with WorkerProcess(tmp_path, redis_server.url, WIKI_REDIS_SHARDS=str(SHARDS)) as worker:
        worker.wait_for_log("is writing")
        yield worker


@pytest.fixture
def wide(redis_server: RedisServer, raw) -> Store:
    return Store(Config(redis_url=redis_server.url, redis_timeout=PATIENCE, redis_shards=SHARDS))


def test_a_worker_killed_again_and_again_while_many_end_in_all_shards_loses_and_repeats_none(worker, wide):
    kill_while_many_end(worker, wide)


def test_a_disk_that_is_full_in_the_middle_of_one_shards_lines_tears_none_for_good(worker, wide):
    refs, path = open_many(wide, 30), worker.audit_log
    wait_for_lines(once(*refs, ended=False), path)
    set_room(worker, path.stat().st_size + 700)
    wide.end_all(refs, "logout")
    wait_until(lambda: torn(path), "a torn line")
    set_room(worker, resource.RLIM_INFINITY)
    wait_for_lines(once(*refs), path)


@pytest.mark.parametrize("durable", [True, False])
def test_a_redis_killed_while_many_end_in_all_shards_brings_no_line_twice(tmp_path, durable):
    with RedisServer(appendonly=durable, appendfsync="always") as server:
        wide = Store(Config(redis_url=server.url, redis_timeout=PATIENCE, redis_shards=SHARDS))
        with WorkerProcess(tmp_path, server.url, WIKI_REDIS_SHARDS=str(SHARDS)) as worker:
            refs = open_many(wide, 200)
            wait_for_lines(once(*refs, ended=False), worker.audit_log)
            wait_until(lambda: all_stored(wide), "everything to be acknowledged")
            if not durable:
                wide.redis.save()
            wide.end_all(refs[:100], "logout")
            wait_until(lambda: sum(lines_of(worker.audit_log).values()) > 200, "some of the ends")
            server.kill()
            server.start()
            wait_until(lambda: wide.count() <= 200, "Redis to be back")
            wide.end_all(refs, "logout")
            wait_for_lines(once(*refs), worker.audit_log)
            wait_until(lambda: all_stored(wide) and wide.count() == 0, "everything to be acknowledged")
