"""The slow, sure way: hold index, records and keys of a shard against each other, page by page, both ways."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from . import verbs
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
    ends: list[End]
    tidied: int = 0


def reconcile(store: Store, keys: ShardKeys, *, page: int = verbs.BATCH) -> Iterator[Page]:
    """Make one pass over a shard; each step is short, and the caller decides when the next one comes.

    Whatever has lost its key ends; a key that lives gets its TTL and its place in the sorted set back; users' sets
    lose what has no record. Sessions that come and go meanwhile do no harm.
    """
    yield from _index(store, keys, page)
    yield from _records(store, keys, page)
    yield from _keys(store, keys, page)
    yield from _users(store, keys, page)


def _index(store: Store, keys: ShardKeys, page: int) -> Iterator[Page]:
    for rows in _scan(store, "ZSCAN", keys.sessions, count=page):
        yield _end_gone(store, keys, rows[::2])


def _records(store: Store, keys: ShardKeys, page: int) -> Iterator[Page]:
    for rows in _scan(store, "HSCAN", keys.records, count=page):
        yield _end_gone(store, keys, _without_score(store, keys, rows[::2]))


def _keys(store: Store, keys: ShardKeys, page: int) -> Iterator[Page]:
    for rows in _scan(store, "SCAN", match=keys.session_pattern, count=page):
        parsed = (store.keys.parse_session(_text(row)) for row in rows)
        sids = [found[1].encode() for found in parsed if found]
        yield _end_gone(store, keys, _without_score(store, keys, sids))


def _users(store: Store, keys: ShardKeys, page: int) -> Iterator[Page]:
    for rows in _scan(store, "SCAN", match=keys.users_pattern, count=page, kind="set"):
        for row in rows:
            user_key = _text(row)
            for sids in _scan(store, "SSCAN", user_key, count=page):
                tidied = store.run(verbs.tidy_user(keys, user_key, [_text(sid) for sid in sids])) if sids else 0
                yield Page(len(sids), [], tidied)


def _without_score(store: Store, keys: ShardKeys, sids: list[bytes]) -> list[bytes]:
    if not sids:
        return []
    scores = store.command("ZMSCORE", keys.sessions, *map(_text, sids))
    return [sid for sid, score in zip(sids, scores, strict=True) if score is None]


def _end_gone(store: Store, keys: ShardKeys, sids: list[bytes]) -> Page:
    refs = [Ref(keys.number, _text(sid)) for sid in sids]
    return Page(len(refs), store.end_all(refs, "lost", only_gone=True) if refs else [])


def _scan(
    store: Store, command: str, key: str | None = None, *, count: int, match: str = "", kind: str = ""
) -> Iterator[list[bytes]]:
    cursor = "0"
    while True:
        words: list[str | int] = [command, *([key] if key else []), cursor]
        words += ["MATCH", match] if match else []
        words += ["TYPE", kind] if kind else []
        cursor, rows = store.command(*words, "COUNT", count)
        cursor = _text(cursor) if isinstance(cursor, bytes) else str(cursor)
        yield _flat(rows)
        if cursor == "0":
            return


def _flat(rows: object) -> list[bytes]:
    """Return the rows as one list: redis-py makes dicts and pairs of some."""
    if isinstance(rows, dict):
        return [part for pair in rows.items() for part in pair]
    assert isinstance(rows, list | tuple)  # noqa: S101 - for the type checker
    return [part for row in rows for part in (row if isinstance(row, list | tuple) else (row,))]


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")
