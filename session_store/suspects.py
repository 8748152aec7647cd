"""Which sessions are not as they should be: looked for by Redis itself, a page at a time, so that little is sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from .keys import ShardKeys
from .scripts import Call, load
from .store import Store

#: Sessions of the index that a script looks at: it holds Redis up for 3 to 4 ms, as `REST` does.
INDEX = 1000

#: Records, keys of any kind, or sids of users' sets that a script looks at: one look each, where the index takes three.
REST = 2200

#: Sids of users' sets that a script looks at, at most. Among `REST` keys there are some `REST` of them.
MOST = 3500


class Suspects(msgspec.Struct, frozen=True):
    """What a page has.

    Attributes:
        cursor: where the next page begins; ``0`` after the last.
        looked_at: how many there were.
        names: the sids, or keys, of those that are not as they should be.
    """

    cursor: str
    looked_at: int
    names: list[str]


#: A page that begins at a cursor.
Pages = Callable[[str], Call[Suspects]]


def index(keys: ShardKeys, *, count: int = INDEX, thorough: bool = False) -> Pages:
    """Look at the sorted set: whether each session has its key, its record, and one deadline; `thorough`: name all."""
    begin, names = keys.session(""), "all" if thorough else ""
    return lambda cursor: Call(
        load("suspect_index"), [keys.sessions, keys.records], [cursor, count, begin, names], _parse
    )


def records(keys: ShardKeys, *, count: int = REST) -> Pages:
    """Look at the records: whether each has its place in the sorted set."""
    return lambda cursor: Call(load("suspect_records"), [keys.sessions, keys.records], [cursor, count], _parse)


def session_keys(keys: ShardKeys, *, count: int = REST) -> Pages:
    """Look at the sessions' keys: whether each has its place in the sorted set."""
    begin, pattern = keys.session(""), keys.session_pattern
    return lambda cursor: Call(load("suspect_keys"), [keys.sessions], [cursor, count, begin, pattern], _parse)


def users(keys: ShardKeys, *, count: int = REST, most: int = MOST) -> Pages:
    """Look at the users' sets: whether all that is in them has its record; what is named are the sets' keys."""
    return lambda cursor: Call(load("suspect_users"), [keys.records], [cursor, count, keys.users_pattern, most], _parse)


def every_page(store: Store, pages: Pages) -> Iterator[Suspects]:
    """Look at all of them, one page after the other."""
    cursor = "0"
    while True:
        page = store.run(pages(cursor))
        yield page
        cursor = page.cursor
        if cursor == "0":
            return


def _parse(answer: list[Any]) -> Suspects:
    cursor, looked_at, *names = answer
    return Suspects(cursor.decode(), looked_at, [name.decode("utf-8", "surrogateescape") for name in names])
