from __future__ import annotations

import pytest

from session_store import Config, Ref, Store
from session_store.living import PAGE, bury_ended

from .samples import HOUR, SALLY, ends, new_token, opened


def test_what_has_ended_is_removed_without_a_word_and_the_rest_lives(store):
    tokens = [opened(store) for _ in range(PAGE + 100)]
    over = {token.sid: "logout" for token in tokens[::2]}
    told = store.redis.xlen(store.keys.shards[0].audit)
    asked = []

    def reasons_of(sids: list[str]) -> dict[str, str]:
        asked.extend(sids)
        assert len(sids) <= PAGE
        return {sid: over[sid] for sid in sids if sid in over}

    assert bury_ended(store, reasons_of) == len(over)
    assert {session.ref.sid for session in store.sessions()} == {token.sid for token in tokens[1::2]}
    assert set(asked) == {token.sid for token in tokens}
    assert store.redis.xlen(store.keys.shards[0].audit) == told
    assert not ends(store)
    assert bury_ended(store, reasons_of) == 0


def test_it_looks_into_every_shard(redis_server, raw):
    store = Store(Config(redis_url=redis_server.url, redis_timeout=15, redis_shards=3))
    for number in range(3):
        store.open(new_token(number), SALLY, age=HOUR)
    assert bury_ended(store, lambda sids: dict.fromkeys(sids, "idle")) == 3
    assert store.count() == 0


@pytest.mark.leaves_mess
def test_what_is_no_sid_is_nobodys_business(store, raw):
    raw.zadd(store.keys.shards[0].sessions, {"short": 1, b"\xff" * 22: 2})
    token = opened(store)
    seen: list[str] = []
    assert bury_ended(store, lambda sids: seen.extend(sids) or {}) == 0
    assert seen == [Ref(0, token.sid).sid]
