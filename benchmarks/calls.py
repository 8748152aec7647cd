"""What one log-in, one check, one renewal and one end cost Redis and the worker, called as site, wiki and worker do."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from session_store import make_nonce, make_token, verbs
from session_store.tokens import Token
from tests.worker.processes import WorkerProcess

from .filling import HOUR, TOGETHER, fill, now_ms, person, shift
from .places import Place, Used
from .processes import cpu_seconds

#: Ms that a session has left that is due for renewal.
SOON = 60_000


def costs_of_calls(place: Place, calls: int, worker: WorkerProcess) -> tuple[dict[str, Used], float]:
    """Return what each kind of call costs Redis, one after the other; and µs of the worker's for a log-in.

    A log-in's cost has in it that the worker reads and writes it down.
    """
    store = place.store
    tokens = [_token(place, number) for number in range(calls)]
    users = dict(zip(tokens, range(calls), strict=True))
    working = cpu_seconds(worker.pid)

    def open_one(token: Token) -> None:
        assert store.open(token, person(users[token]), age=HOUR, idle=HOUR // 2).lives

    found = {"log-in": _each(place, tokens, open_one, place.wait_until_written)}
    working = (cpu_seconds(worker.pid) - working) * 1e6 / calls
    for token in tokens:
        store.check([token], place="wiki")  # the first look notes that the session is used in the wiki
    found["check"] = _each(place, tokens, lambda token: store.check([token], place="wiki"))
    for token in tokens:
        keys = store.keys.of_shard(token.shard)
        assert keys
        store.command("PEXPIRE", keys.session(token.sid), SOON)
    found["renewal"] = _each(place, tokens, lambda token: store.check([token], place="wiki"))
    store.end_all([session.ref for session in store.sessions()], "logout")
    place.wait_until_written()
    return found, working


def due_at_rate(place: Place, count: int, rate: int) -> int:
    """Open sessions of which so many are due in each second; return when the first one is, ms since the epoch."""
    begin = now_ms() + 1_000 + count // 5
    fill(place.store, count, lambda number: begin + number * 1000 // rate)
    return begin


def due_together(place: Place) -> int:
    """Have all sessions that live be due at one moment; return which that is, ms since the epoch."""
    begin = now_ms() + 500 + place.store.count() // 50
    shift(place.store, begin)
    return begin


def costs_of_ends(place: Place, worker: WorkerProcess, count: int, begin: int) -> tuple[Used, float, float]:
    """Return what the end of a session costs Redis, what the worker (µs), and how many ended a second.

    Args:
        place: where.
        worker: who ends them.
        count: how many end.
        begin: when the first one is due, ms since the epoch.
    """
    place.wait_until_written()
    while now_ms() < begin:
        time.sleep(0.001)
    before, working, started = place.used(), cpu_seconds(worker.pid), time.perf_counter()
    place.wait_until_over()
    took = time.perf_counter() - started
    return place.used().since(before, count), (cpu_seconds(worker.pid) - working) * 1e6 / count, count / took


def together(place: Place, count: int) -> dict[str, float]:
    """Return how many log-ins and checks a second one client gets done that sends them by the hundred."""
    store = place.store
    started = time.perf_counter()
    refs = fill(store, count, lambda _: now_ms() + HOUR)
    found = {"log-ins": count / (time.perf_counter() - started)}
    started = time.perf_counter()
    for first in range(0, count, TOGETHER):
        batch = refs[first : first + TOGETHER]
        shards = [store.keys.of_shard(ref.shard) or store.keys.shards[0] for ref in batch]
        store.run_all(
            [verbs.check(keys, ref.sid, age=None, place="wiki") for keys, ref in zip(shards, batch, strict=True)]
        )
    return found | {"checks": count / (time.perf_counter() - started)}


def _each(
    place: Place, tokens: Iterable[Token], act: Callable[[Token], object], after: Callable[[], object] = lambda: None
) -> Used:
    tokens = list(tokens)
    before = place.used()
    for token in tokens:
        act(token)
    after()
    return place.used().since(before, len(tokens))


def _token(place: Place, number: int) -> Token:
    shard = place.store.keys.of_user(str(number))
    return make_token(b"secret", make_nonce(), 1, shard.number)
