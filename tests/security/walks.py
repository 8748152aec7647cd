"""All that site, wiki and worker do in Redis, each in one walk."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import redis

from session_store import Person, Ref, Store, make_nonce, make_token, presence, verbs
from session_store.audit import AuditReader
from session_store.backlog import ends_of_streams, has_stored
from session_store.lease import Lease
from session_store.listing import Place, Query, find, search
from session_store.living import bury_ended
from session_store.reconcile import reconcile
from session_store.status import read_status
from session_store.tokens import Token
from tests.wait import wait_until
from worker.canary import Canary
from worker.flags_keeper import FlagsKeeper
from worker.forgetter import EVERY, Forgetter
from worker.health import Health
from worker.heartbeat import Heartbeat
from worker.lane import lanes_of
from worker.monitor import Monitor
from worker.verify import known_sids

HOUR = 3_600_000
WINDOW = 300_000

#: Done by one of the three; what is raised, or refused without a word, is a right that is missing.
Walk = Callable[[Store, "Scene"], None]


class Scene:
    """What others have done in Redis before somebody walks.

    Args:
        store: an administrator's.
        raw: the same, by hand.
        place: an empty directory.
    """

    def __init__(self, store: Store, raw: redis.Redis, place: Path) -> None:
        self.store = store
        self.raw = raw
        self.place = place
        self.shard = store.keys.shards[0]
        self.online = store.keys.online

    def opened(self, user: str = "1", *, age: int = HOUR, idle: int | None = None) -> Token:
        """Open a session."""
        token = make_token(b"the site's", make_nonce(), 0, 0)
        assert self.store.open(token, Person(user, f"user {user}"), age=age, idle=idle).lives
        return token

    def ref(self, token: Token, user: str = "1") -> Ref:
        """Return a session's name."""
        return Ref(token.shard, token.sid, user)

    def almost_idle(self) -> Token:
        """Open a session whose idle timeout is nearly over."""
        token = self.opened(idle=HOUR // 2)
        self.raw.pexpire(self.shard.session(token.sid), 10_000)
        return token

    def overdue(self) -> Ref:
        """Open a session, and take its key away when it is due."""
        token = self.opened()
        self.raw.delete(self.shard.session(token.sid))
        self.raw.zadd(self.shard.sessions, {token.sid: 1})
        return self.ref(token)

    def visitors(self) -> None:
        """Let members, a hidden one, guests and bots come, and others leave long ago."""
        online, at = self.online, (time.time() - 3600) * 1000
        for user, hides in (("1", False), ("2", True)):
            self.store.run(presence.report_member(online, user, user, window=WINDOW, hides=hides, arrives=True))
        for key in (online.members, online.hidden, online.left, online.guests.seen, online.bots.seen):
            self.raw.zadd(key, {"long ago": at})
        self.raw.zadd(online.left, {"1": at, "2": at})

    def overflow(self) -> None:
        """Let more guests and bots come than are known one by one."""
        for crowd in (self.online.guests, self.online.bots):
            self.raw.set(crowd.full, "", px=WINDOW)


def wiki(store: Store, scene: Scene) -> None:
    """Read a session that is due for renewal, report two members, log out."""
    token = scene.almost_idle()
    checked = store.run(verbs.check(scene.shard, token.sid, age=None, place="wiki"))
    assert checked.session
    assert checked.session.deadline - checked.now > HOUR // 4
    scene.visitors()
    for user in ("1", "2"):
        assert store.run(presence.report_member(scene.online, user, user, window=None))
    scene.raw.script_flush()
    session = store.read(token)
    assert session
    assert store.end(session.ref, "logout") == "logout"
    assert store.read(token) is None


def site(store: Store, scene: Scene) -> None:
    """Open, check, renew, rename, list, search and end sessions; count visitors; follow the audit stream."""
    for step in (_site_opens, _site_ends, _site_lists, _site_counts_visitors, _site_follows):
        step(store, scene)


def _site_opens(store: Store, scene: Scene) -> None:
    scene.raw.script_flush()
    first, token = scene.opened("7"), make_token(b"the site's", make_nonce(), 0, 0)
    person = Person("7", "sally")
    assert store.open(token, person, age=HOUR, idle=HOUR // 2, replaces=[scene.ref(first, "7")]).lives
    assert store.open(make_token(b"", make_nonce(), 0, 0), person, age=HOUR, most=1).lives
    idle = scene.almost_idle()
    (check,) = store.check([idle], beside=[verbs.count(scene.shard)])
    assert check
    assert check.session
    store.check([scene.opened()], age=2 * HOUR)
    assert store.renew(scene.almost_idle()) is not None
    assert store.renew(scene.opened(), age=2 * HOUR) is not None
    assert store.update_user(Person("1", "another name"))
    spread = Store(replace(store.config, redis_shards=2))
    assert spread.open(make_token(b"", make_nonce(), 0, spread.keys.of_user("7").number), person, age=HOUR).lives
    assert scene.raw.zrange(scene.shard.layouts, 0, -1) == [b"2"]
    scene.raw.delete(scene.shard.layouts)  # the others look into one shard


def _site_ends(store: Store, scene: Scene) -> None:
    assert store.end(Ref(0, scene.opened().sid), "logout") == "logout"
    never = make_token(b"", make_nonce(), 0, 0)
    store.end_for_good([scene.ref(never), scene.ref(scene.opened())], "logout", keep=HOUR)
    alive = scene.opened()
    scene.raw.persist(scene.shard.session(alive.sid))
    scene.raw.zrem(scene.shard.sessions, alive.sid)
    scene.raw.zadd(scene.shard.sessions, {"stray": 1})
    assert store.end_all([scene.ref(alive), Ref(0, "stray")], "lost", only_gone=True)
    assert store.end_user("1", "revoked", actor="2")
    gone = scene.opened()
    assert bury_ended(store, lambda sids: {sid: "logout" for sid in sids if sid == gone.sid}) == 1


def _site_lists(store: Store, scene: Scene) -> None:
    token = scene.opened("5")
    scene.opened("6")
    assert store.sessions_of("5")
    assert list(store.sessions())
    assert store.count() >= 2
    page = store.do(search(store.keys, Query(), limit=1))
    assert page.after
    store.do(search(store.keys, Query(), after=page.after, limit=1))
    # One that has ended since the page before was looked at.
    store.do(search(store.keys, Query(), after=Place(0, HOUR, "x" * 22), limit=1))
    assert store.do(find(store.keys, [scene.ref(token)]))


def _site_counts_visitors(store: Store, scene: Scene) -> None:
    online = scene.online
    for overflows in (False, True):
        scene.raw.delete(online.state)
        scene.visitors()
        if overflows:
            scene.overflow()
        scene.raw.hdel(online.state, "window")
        for user, hides in (("1", False), ("2", True), ("2", False), ("3", None)):
            report = presence.report_member(online, user, user, window=WINDOW, hides=hides, arrives=True, was=["a"])
            assert store.run(report)
        assert store.run(presence.list_online(online, window=WINDOW, limit=10)).members
        for crowd in (online.guests, online.bots):
            for known in (0, 1000):
                ids = {
                    day: f"guest {day}" for day in range(int(time.time() // 86400) - 1, int(time.time() // 86400) + 2)
                }
                assert store.run(presence.report_visitor(online, crowd, "word", ids, window=WINDOW, known=known))
        assert store.run(presence.hide_member(online, "1", hides=True))
        assert store.run(presence.hide_member(online, "1", hides=False))
        assert store.run(presence.list_online(online, window=WINDOW, limit=10)).members
        scene.visitors()
        scene.raw.hdel(online.state, "noted")
        assert store.run(presence.tidy_online(online, window=WINDOW)) is not None
        store.run(presence.online_history(online))
        assert store.run(presence.forget_member(online, "1"))
        store.run(presence.forget_member(online, "2", seen_by=0))


def _site_follows(store: Store, scene: Scene) -> None:
    scene.opened()
    lease = Lease(store, "walk", lasts=0.0001)
    for _ in range(2):
        lease.hold()
    lease = Lease(store, "another walk")
    assert lease.hold()
    lease._asked = float("-inf")
    assert lease.hold()
    lease.release()
    _read_stream(store, "walk")
    scene.opened()
    assert read_status(store).readers[0].backlog


def _read_stream(store: Store, name: str) -> None:
    reader = AuditReader(store, name, wait=1.0)
    try:
        (attachment,) = reader.attach()
        (batch,) = reader.read()
        assert reader.attached()
        assert reader.acknowledge(batch, base=batch.events[-1].id)
        assert reader.rebase(attachment.keys, batch.events[-1].id)
    finally:
        reader.close()
    assert has_stored(store, name, dict.fromkeys(ends_of_streams(store), batch.last))


def worker(store: Store, scene: Scene) -> None:
    """End what is due, reconcile, follow the stream, tidy up after visitors, look after itself."""
    for step in (_worker_ends, _worker_reconciles, _worker_tidies, _worker_watches):
        step(store, scene)


def _worker_ends(store: Store, scene: Scene) -> None:
    scene.raw.script_flush()
    scene.raw.delete(scene.shard.lease)
    for _ in range(2):
        due = scene.overdue()
        assert due.sid in {end.ref.sid for end in store.end_due(scene.shard, worker="walker")[1]}
        scene.raw.pexpire(scene.shard.lease, 100)
    gone = scene.opened()
    scene.raw.delete(scene.shard.session(gone.sid))
    assert store.end_all([Ref(0, gone.sid)], "evicted", only_gone=True)
    back = scene.opened()
    assert store.bury([(scene.ref(back), "logout")]) == 1
    assert store.bury([(Ref(0, scene.opened().sid), "logout")]) == 1
    _read_stream(store, "walker")


def _worker_reconciles(store: Store, scene: Scene) -> None:
    tokens = [scene.opened() for _ in range(5)]
    shard = scene.shard
    scene.raw.persist(shard.session(tokens[0].sid))
    scene.raw.zrem(shard.sessions, tokens[1].sid)
    scene.raw.delete(shard.session(tokens[2].sid))
    scene.raw.hdel(shard.records, tokens[3].sid)
    scene.raw.srem(shard.users("1"), tokens[4].sid)
    scene.raw.zadd(shard.sessions, {"stray": 1}, nx=True)
    scene.raw.sadd(shard.users("1"), "leftover")
    scene.raw.sadd(shard.users("2"), *(f"leftover {number}" for number in range(2000)))
    scene.raw.hset(shard.ended, "old", "logout 1")
    for _ in reconcile(store, shard):
        pass
    assert not scene.raw.exists(shard.users("2"))
    assert store.prune_ended(shard, "0", page=1000, keep=0)[1]


def _worker_tidies(store: Store, scene: Scene) -> None:
    online = scene.online
    for overflows in (False, True):
        scene.raw.delete(online.state, online.history)
        scene.visitors()
        if overflows:
            scene.overflow()
        scene.raw.hdel(online.state, "noted")
        assert store.run(presence.tidy_online(online, window=None)) is not None
        store.run_all([verbs.list_user(scene.shard, user, 1) for user in ("1", "2")])
        assert store.run(presence.forget_member(online, "1", seen_by=HOUR * 1_000_000))
        assert store.run(presence.forget_member(online, "2", seen_by=HOUR * 1_000_000))


def _worker_watches(store: Store, scene: Scene) -> None:
    scene.opened()
    health = Health()
    flags = FlagsKeeper(config=store.config, may_set=True, health=health)
    Monitor(store=store, health=health, flags=flags, on_gap=_ignore).step()
    Heartbeat(store=store, name="walker", health=health).step()
    scene.raw.hset(scene.shard.workers, "old", '{"seen":1,"x":1}')
    Heartbeat(store=store, name="walker", health=health).step()
    canary = Canary(store=store, lane=lanes_of(store)[0])
    assert [canary.step() > 0 for _ in range(2)] == [True, True]
    assert canary.answered
    read_status(store)
    scene.raw.config_set("notify-keyspace-events", "Kxe")
    assert heard(store) == scene.shard.canary
    assert known_sids(store)
    for keys in store.keys.shards:
        assert store.run(verbs.forget_reader(keys, "walker"))
    scene.raw.zadd(scene.shard.layouts, {"2": 1, "3": HOUR * 1_000_000})
    forgetter = Forgetter(store=store)
    while forgetter.step() < EVERY:
        pass
    assert scene.raw.zscore(scene.shard.layouts, "2") == 0
    scene.raw.delete(scene.shard.layouts)  # the others look into one shard


def _ignore(why: str, *, node: str = "") -> None:
    """It is for the reconciler."""


def heard(store: Store) -> str:
    """Subscribe to what the worker hears, and wait for its canary; return the key that was heard of."""
    with store.redis.keyspace_notifications() as notifications:
        for pattern in (store.keys.session_pattern, store.keys.canary_pattern):
            notifications.subscribe_keyspace(pattern, db=store.config.address.database)
            notifications.get_message(timeout=5, ignore_subscribe_messages=False)
        key = store.keys.shards[0].canary
        store.command("SET", key, "", "PX", 1)
        message = wait_until(
            lambda: store.command("EXISTS", key) == 0 and notifications.get_message(timeout=0.1), "a song"
        )
        return message.key
