"""The slow, sure way: hold index, records and keys of a shard against each other, page by page, both ways."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from . import suspects, verbs
from .keys import ShardKeys
from .sessions import End, Ref
from .store import Store


@dataclass(frozen=True, slots=True)
class Page:
    """What one step looked at.

    Attributes:
        looked_at: how many members, fields or keys.
        ends: what it ended.
        tidied: how many leftovers it removed from users' sets.
    """

    looked_at: int
    ends: Sequence[End] = ()
    tidied: int = 0


def reconcile(store: Store, keys: ShardKeys, *, page: int | None = None) -> Iterator[Page]:
    """Make one pass over a shard; each step is short, and the caller decides when the next one comes.

    Whatever has lost its key ends; a key that lives gets its TTL and its place in the sorted set back; users' sets
    lose what has no record. Sessions that come and go meanwhile do no harm.
    """
    index, rest = page or suspects.INDEX, page or suspects.REST
    return chain(reconcile_index(store, keys, page=index), reconcile_rest(store, keys, page=rest))


def reconcile_thoroughly(store: Store, keys: ShardKeys) -> Iterator[Page]:
    """Make a pass that also puts sids back into users' sets; it costs five times as much."""
    index = suspects.index(keys, count=verbs.BATCH, thorough=True)
    return chain(_end_gone(store, keys, index), reconcile_rest(store, keys))


def reconcile_index(store: Store, keys: ShardKeys, *, page: int = suspects.INDEX) -> Iterator[Page]:
    """Look at what the sorted set has: where sessions go missing."""
    return _end_gone(store, keys, suspects.index(keys, count=page))


def reconcile_rest(store: Store, keys: ShardKeys, *, page: int = suspects.REST) -> Iterator[Page]:
    """Look at what the sorted set doesn't have."""
    yield from _end_gone(store, keys, suspects.records(keys, count=page))
    yield from _end_gone(store, keys, suspects.session_keys(keys, count=page))
    yield from _tidy_users(store, keys, page)


def _end_gone(store: Store, keys: ShardKeys, pages: suspects.Pages) -> Iterator[Page]:
    for page in suspects.every_page(store, pages):
        refs = [Ref(keys.number, sid) for sid in page.names]
        yield Page(page.looked_at, store.end_all(refs, "lost", only_gone=True) if refs else [])


def _tidy_users(store: Store, keys: ShardKeys, count: int) -> Iterator[Page]:
    for page in suspects.every_page(store, suspects.users(keys, count=count)):
        yield Page(page.looked_at)
        for key in page.names:
            yield from _tidy_set(store, keys, key, count)


def _tidy_set(store: Store, keys: ShardKeys, key: str, count: int) -> Iterator[Page]:
    cursor: int | bytes = b"0"
    while True:
        cursor, found = store.command("SSCAN", key, cursor, "COUNT", count)
        sids = [sid.decode("utf-8", "surrogateescape") for sid in found]
        yield Page(len(sids), tidied=store.run(verbs.tidy_user(keys, key, sids)) if sids else 0)
        if cursor in {0, b"0"}:
            return
