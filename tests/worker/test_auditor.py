"""What can happen between two steps of the auditor's, brought about on purpose."""

from __future__ import annotations

from session_store import Config, Person, Ref, Store, make_token
from tests.wait import wait_until
from worker.audit_log import AuditLog
from worker.auditor import Auditor
from worker.health import Health
from worker.lane import lanes_of
from worker.metrics import Metrics
from worker.report import Report


class Raced(Store):
    """A store on which another thread ends what came back to life, just before it would be buried."""

    def bury(self, ended):
        ended = list(ended)
        self.end_all([ref for ref, _ in ended], "lost")
        return super().bury(ended)


def auditor_of(store: Store, path) -> Auditor:
    health, (lane,) = Health(), lanes_of(store)
    report = Report(Metrics(health), health)
    return Auditor(store=store, lane=lane, log=AuditLog(path), report=report, health=health)


def test_what_came_back_to_life_and_is_ended_before_it_is_buried_gets_no_second_line(store, redis_server, tmp_path):
    path, keys = tmp_path / "audit.jsonl", store.keys.shards[0]
    token, person = make_token(b"the site's", "nonce", 0, 0), Person("1", "sally")
    store.open(token, person, age=60_000)
    first = auditor_of(store, path)
    first.step()
    older = {key: store.redis.dump(key) for key in store.redis.keys("*")}
    store.end(Ref(0, token.sid, "1"), "logout")
    first.step()
    assert path.read_text().count("session-ended") == 1
    first.reset()
    first._audit_log.close()
    store.redis.flushall()
    for key, value in older.items():
        store.redis.restore(key, 60_000 if b":session:" in key else 0, value)

    second = auditor_of(Raced(Config(redis_url=redis_server.url)), path)
    second.step()
    wait_until(lambda: second.step() == 0.0 and not store.redis.xlen(keys.audit), "the stream to be stored")
    assert path.read_text().count("session-ended") == 1
    assert store.count() == 0
