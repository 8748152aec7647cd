"""Where something else is kept under one of our keys, the error says under which."""

from __future__ import annotations

import pytest

from session_store import StoreUnavailable
from session_store.keys import Keys
from session_store.listing import Query, search

from .samples import SALLY, opened

KEYS = Keys("sso", 1)
SHARD = KEYS.shards[0]


VERBS = {
    "read": (SHARD.records, lambda store, token: store.read(token)),
    "check: records": (SHARD.records, lambda store, token: store.check([token])),
    "check: ended": (SHARD.ended, lambda store, token: store.check([token])),
    "check: sessions": (SHARD.sessions, lambda store, token: store.check([token], age=60_000)),
    "renew: records": (SHARD.records, lambda store, token: store.renew(token)),
    "renew: sessions": (SHARD.sessions, lambda store, token: store.renew(token, age=60_000)),
    "list_user": (SHARD.users(SALLY.user_id), lambda store, _: store.sessions_of(SALLY.user_id)),
    "list_user: sessions": (SHARD.sessions, lambda store, _: store.sessions_of(SALLY.user_id)),
    "list_page": (SHARD.records, lambda store, _: list(store.sessions())),
    "update_user": (SHARD.users(SALLY.user_id), lambda store, _: store.update_user(SALLY)),
    "search_page": (SHARD.sessions, lambda store, _: store.do(search(store.keys, Query(), limit=9))),
    "due": (SHARD.sessions, lambda store, _: store.due(SHARD)),
    "prune_ended": (SHARD.ended, lambda store, _: store.prune_ended(SHARD, "0", page=9, keep=0)),
}


@pytest.mark.parametrize("verb", VERBS)
def test_an_error_names_the_key(store, raw, verb):
    key, act = VERBS[verb]
    token = opened(store)
    raw.delete(key)
    raw.set(key, "x")
    with pytest.raises(StoreUnavailable) as error:
        act(store, token)
    raw.flushall()
    assert f"WRONGTYPE {key} holds a string" in str(error.value)
