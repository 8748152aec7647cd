"""The store's verbs, round trip by round trip, without any input or output.

Each is a generator: it yields the requests of one round trip, is sent their answers, and returns its result. So each is
written once, and run by `Store` and by `AsyncStore`. What they mean is said there.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar

from . import verbs
from .keys import Keys, ShardKeys
from .records import Person
from .scripts import Call, Request
from .sessions import Check, Due, End, Opening, Reason, Ref, Session
from .tokens import Token

T = TypeVar("T")

#: A verb under way: it yields requests that go together, gets their answers, and returns what it is for.
Steps = Generator[Sequence[Request[Any]], list[Any], T]

#: How often an opening that must end other sessions is tried: each time a log-in beside it may have changed which.
TRIES = 30

#: Sessions of one user that are looked up at once, before they are ended in batches.
MANY = 10_000


def open_session(
    keys: Keys,
    token: Token,
    person: Person,
    *,
    expires_at: int | None,
    age: int | None,
    idle: int | None,
    replaces: Sequence[Ref],
    lost: Ref | None,
    most: int | None = None,
) -> Steps[Opening]:
    """Open the session of a token."""

    def opens(victims: Sequence[str] = ()) -> Request[Opening]:
        return verbs.open_session(
            shard_of(keys, token),
            token.sid,
            person,
            expires_at=expires_at,
            age=age,
            idle=idle,
            most=most,
            victims=victims,
        )

    named = yield from _named(keys, [*replaces, *([lost] if lost else [])])
    before: list[Request[Any]] = [_end_one(keys, ref, "replaced") for ref in named[: len(replaces)]]
    before += [_end_one(keys, ref, "lost", only_gone=True) for ref in named[len(replaces) :]]
    notes = [verbs.note_layout(keys)] if keys.must_note else []
    homes = keys.homes(person.user_id)
    others = homes[1:] if most is not None else ()
    looks = [verbs.list_user(home, person.user_id, 1, optional=True) for home in others]
    *answers, opening = yield [*notes, *before, *looks, opens()]
    if notes and answers[0] is not None:
        keys.noted(answers[0])
    for _ in range(TRIES - 1):
        if opening.status != "limit":
            break
        (opening,) = yield [opens(opening.victims)]
    if most is not None and opening.status == "opened":
        elsewhere = any(answers[len(notes) + len(before) :]) or keys.homes(person.user_id) != homes
        if elsewhere:
            yield from _end_surplus(keys, token, person.user_id, most)
    return opening  # type: ignore[no-any-return] # what the request's parse gives


def update_user(keys: Keys, person: Person) -> Steps[int]:
    """Have the records of a user's live sessions say what is new about the user."""
    updated = 0
    yield from learn(keys)
    for shard in keys.homes(person.user_id):
        found = verbs.BATCH
        while found == verbs.BATCH:
            (found,) = yield [verbs.update_user(shard, person)]
            updated += int(found)
    return updated


def read(keys: Keys, token: Token) -> Steps[Session | None]:
    """Return the token's session."""
    shard = keys.of_shard(token.shard)
    if shard is None:
        return None
    (session,) = yield [verbs.read(shard, token.sid)]
    return session  # type: ignore[no-any-return] # what the request's parse gives


def check(
    keys: Keys, tokens: Sequence[Token], *, age: int | None, beside: Sequence[Request[Any]], place: str = "site"
) -> Steps[list[Check | None]]:
    """Look at sessions that are used, and take other requests along."""
    requests: list[Request[Any]] = []
    asked: list[bool] = []
    for token in tokens:
        shard = keys.of_shard(token.shard)
        asked.append(shard is not None)
        if shard is not None:
            requests.append(verbs.check(shard, token.sid, age=age, place=place))
    requests += beside
    answers = iter((yield requests))
    return [next(answers) if is_asked else None for is_asked in asked]


def renew(keys: Keys, token: Token, *, age: int | None) -> Steps[int | None]:
    """Note activity."""
    shard = keys.of_shard(token.shard)
    if shard is None:
        return None
    (left,) = yield [verbs.renew(shard, token.sid, age=age)]
    return left  # type: ignore[no-any-return] # what the request's parse gives


def end_all(
    keys: Keys, refs: Iterable[Ref], reason: str, *, only_gone: bool = False, actor: str = ""
) -> Steps[list[End]]:
    """End sessions of any shard, in batches."""
    reason = Reason(reason)
    ended: list[End] = []
    for batch in batches(refs, verbs.BATCH):
        named = yield from _named(keys, batch)
        calls = [
            verbs.end(shard, group, reason, only_gone=only_gone, actor=actor) for shard, group in _by_shard(keys, named)
        ]
        for ends in (yield calls):
            ended += ends
    return ended


def end_for_good(keys: Keys, refs: Sequence[Ref], reason: str, *, keep: int) -> Steps[list[End]]:
    """End sessions, and see to it that those that are not open now are never opened."""
    if not refs:
        return []
    reason = Reason(reason)
    requests: list[Request[Any]] = []
    for ref in (yield from _named(keys, refs)):
        requests += [verbs.forbid(shard_of(keys, ref), ref.sid, reason, keep=keep), _end_one(keys, ref, reason)]
    answers = yield requests
    return [end for ends in answers[1::2] for end in ends]


def end_user(
    keys: Keys, user_id: str, reason: str, *, but: Token | Ref | None, actor: str, before: int | None = None
) -> Steps[list[End]]:
    """End all sessions of a user, but one; `before`: of those that began before then, ms since the epoch."""
    ended: list[End] = []
    yield from learn(keys)
    for shard in keys.homes(user_id):
        while True:
            (found,) = yield [verbs.list_user(shard, user_id, MANY, over=True)]
            refs = [
                s.ref for s in found if (not but or s.ref.sid != but.sid) and (not before or s.record.created < before)
            ]
            ends = yield from end_all(keys, refs, reason, actor=actor)
            ended += ends
            if len(found) < MANY or not ends:
                break
    return ended


def sessions_of(keys: Keys, user_id: str, *, limit: int) -> Steps[list[Session]]:
    """List a user's live sessions, wherever they are; one round trip where the number of shards is the known one."""
    homes = keys.homes(user_id)
    known, *answers = yield [verbs.layouts(keys), *(verbs.list_user(shard, user_id, limit) for shard in homes)]
    keys.learn(known or {})
    others = [shard for shard in keys.homes(user_id) if shard not in homes]
    if others:
        answers += yield [verbs.list_user(shard, user_id, limit) for shard in others]
    return [session for found in answers for session in found][:limit]


def learn(keys: Keys) -> Steps[None]:
    """Learn over how many shards users were spread: there may be sessions in all of them."""
    (known,) = yield [verbs.layouts(keys)]
    keys.learn(known or {})


def bury(keys: Keys, ended: Iterable[tuple[Ref, str]]) -> Steps[int]:
    """Remove sessions that had ended before Redis went back to older data."""
    buried = 0
    for batch in batches(ended, verbs.BATCH):
        reasons = {(ref.shard, ref.sid): reason for ref, reason in batch}
        for shard, refs in _by_shard(keys, [Ref(number, sid) for number, sid in reasons]):
            living = yield from _known(shard, refs)
            if living:
                (count,) = yield [verbs.bury(shard, [(ref, reasons[ref.shard, ref.sid]) for ref in living])]
                buried += count
    return buried


def end_due(shard: ShardKeys, *, limit: int, worker: str) -> Steps[tuple[Due, list[End]]]:
    """End a batch of what is due in a shard."""
    (due,) = yield [verbs.due(shard, limit, worker=worker)]
    if not due.refs:
        return due, []
    (ends,) = yield [verbs.end(shard, due.refs, "lost", only_gone=True, actor="")]
    return due, ends


def count(keys: Keys) -> Steps[int]:
    """Count the sessions."""
    counted = keys.shards
    known, *numbers = yield [verbs.layouts(keys), *map(verbs.count, counted)]
    keys.learn(known or {})
    if len(keys.shards) > len(counted):
        numbers += yield [verbs.count(shard) for shard in keys.shards[len(counted) :]]
    return sum(numbers)


def shard_of(keys: Keys, name: Token | Ref) -> ShardKeys:
    """Return the shard that a token or a ref names; ValueError where there is none."""
    shard = keys.of_shard(name.shard)
    if shard is None:
        raise ValueError(f"there can be no shard {name.shard}")
    return shard


def batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Cut into lists of at most that size."""
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch


def _end_surplus(keys: Keys, token: Token, user_id: str, most: int) -> Steps[None]:
    """End what a user has too much in all shards together, beside the session of a token; the oldest end."""
    found = yield from sessions_of(keys, user_id, limit=MANY)
    others = sorted((session for session in found if session.ref.sid != token.sid), key=lambda one: one.record.created)
    if len(others) >= most:
        refs = [session.ref for session in others]
        lost = yield from end_all(keys, refs, "lost", only_gone=True)  # they don't count
        gone = {end.ref.sid for end in lost}
        alive = [ref for ref in refs if ref.sid not in gone]
        yield from end_all(keys, alive[: max(0, len(alive) + 1 - most)], "limit")


def _end_one(keys: Keys, ref: Ref, reason: str, *, only_gone: bool = False) -> Call[list[End]]:
    return verbs.end(shard_of(keys, ref), [ref], reason, only_gone=only_gone, actor="")


def _by_shard(keys: Keys, refs: Iterable[Ref]) -> list[tuple[ShardKeys, list[Ref]]]:
    groups: dict[int, list[Ref]] = {}
    for ref in refs:
        groups.setdefault(shard_of(keys, ref).number, []).append(ref)
    return [(shard_of(keys, group[0]), group) for group in groups.values()]


def _named(keys: Keys, refs: Sequence[Ref]) -> Steps[list[Ref]]:
    """Fill in whose the sessions are: a script must be given the key of every set that it changes."""
    unknown = _by_shard(keys, (ref for ref in refs if ref.user_id is None))
    if not unknown:
        return list(refs)
    answers = yield [verbs.records_of(shard, [ref.sid for ref in group]) for shard, group in unknown]
    named = {
        (shard.number, ref.sid): verbs.name(shard, ref.sid, record)
        for (shard, group), records in zip(unknown, answers, strict=True)
        for ref, record in zip(group, records, strict=True)
    }
    return [named[ref.shard, ref.sid] if ref.user_id is None else ref for ref in refs]


def _known(shard: ShardKeys, refs: Sequence[Ref]) -> Steps[list[Ref]]:
    """Return the names of those that Redis holds any trace of."""
    sids = [ref.sid for ref in refs]
    records, *others = yield verbs.traces_of(shard, sids)
    traces = zip(records, *others, strict=True)
    found = zip(sids, records, traces, strict=True)
    return [verbs.name(shard, sid, record) for sid, record, trace in found if trace != (None, None, None)]
