"""The verbs: which script with which keys and arguments, and what its answer means. Pure; a store runs them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from .errors import BadRecord
from .keys import Keys, ShardKeys
from .records import MAX_MS, Person, Record, parse_record, user_in_record, user_of
from .scripts import Call, Command, load
from .sessions import Check, Due, End, Opening, Reason, Ref, Session
from .throttle import Throttle

#: Sessions a script touches at most: 5,000 block Redis for 43-77 ms, 500 for about 4.
BATCH = 500

#: Milliseconds that a worker comes first after it has last asked what is due: then another takes over.
LEASE = 2000

#: Milliseconds after a deadline at which the other workers look to it all the same. Earlier they would only do over
#: again what one is about to do that has much to do.
SECOND = 5000

_log = logging.getLogger(__name__)
_throttle = Throttle(seconds=60)


def open_session(
    keys: ShardKeys,
    sid: str,
    person: Person,
    *,
    expires_at: int | None,
    age: int | None,
    idle: int | None,
    most: int | None = None,
    victims: Sequence[str] = (),
) -> Call[Opening]:
    """Open a session; it ends at `expires_at` (ms since the epoch) or after `age` (ms), and after `idle` ms unused.

    Its user may have `most` sessions then. Only `victims` end for that, at most `BATCH`; if others must, the answer
    names them.
    """
    return Call(
        load("open"),
        [
            keys.session(sid),
            keys.sessions,
            keys.records,
            keys.ended,
            keys.audit,
            keys.users(person.user_id),
            *map(keys.session, victims),
        ],
        [
            sid,
            person.to_json(idle_ms=idle),
            "" if expires_at is None else expires_at,
            "" if age is None else age,
            "" if most is None else most,
            user_in_record(person.user_id),
            *victims,
        ],
        lambda answer: Opening(_text(answer[0]), int(answer[1]), int(answer[2]), tuple(map(_text, answer[3:]))),
    )


def update_user(keys: ShardKeys, person: Person) -> Call[int]:
    """Write a user's name, address and display name into the records of live sessions; the answer is into how many.

    At most `BATCH` are changed.
    """
    texts = [word for pair in person.profile.items() for word in pair]
    return Call(
        load("update_user"),
        [keys.users(person.user_id), keys.records],
        [user_in_record(person.user_id), BATCH, *texts],
        int,
    )


def read(keys: ShardKeys, sid: str) -> Call[Session | None]:
    """Read a live session."""
    return Call(
        load("read"),
        [keys.session(sid), keys.records],
        [sid],
        lambda answer: _session(keys, sid, answer[0], answer[1], answer[2]) if len(answer) > 2 else None,
    )


def check(keys: ShardKeys, sid: str, *, age: int | None, place: str) -> Call[Check]:
    """Read a session that is used, follow the site's (which has `age` ms left), renew it where that is due."""

    def parse(answer: list[Any]) -> Check:
        ttl, now, record, ended = answer
        return Check(_session(keys, sid, ttl, now, record), _ended(ended) if ended else None, now)

    return Call(
        load("check"),
        [keys.session(sid), keys.sessions, keys.records, keys.ended],
        [sid, "" if age is None else age, place],
        parse,
    )


def renew(keys: ShardKeys, sid: str, *, age: int | None) -> Call[int | None]:
    """Move a live session's deadline; the answer is the ms it has left, None where it doesn't live."""
    return Call(
        load("renew"),
        [keys.session(sid), keys.sessions, keys.records],
        [sid, "" if age is None else age],
        lambda left: left if left > 0 else None,
    )


def end(keys: ShardKeys, refs: Sequence[Ref], reason: str, *, only_gone: bool, actor: str) -> Call[list[End]]:
    """End sessions of one shard, at most `BATCH`; the answer holds those that this call ended."""
    if len(refs) > BATCH:
        raise ValueError(f"at most {BATCH} sessions a script")
    users, place = _user_keys(keys, refs, first=5 + len(refs))
    arguments: list[str | int] = [reason, "gone" if only_gone else "always", actor]
    for ref in refs:
        arguments += [ref.sid, place(ref)]
    return Call(
        load("end"),
        [keys.sessions, keys.records, keys.ended, keys.audit, *(keys.session(ref.sid) for ref in refs), *users],
        arguments,
        lambda answers: [End(ref, _text(answer)) for ref, answer in zip(refs, answers, strict=True) if answer],
    )


def forbid(keys: ShardKeys, sid: str, reason: str, *, keep: int) -> Call[int]:
    """See to it that a session is never opened, for `keep` ms; the answer is 0 where it was known to have ended."""
    return Call(load("forbid"), [keys.ended], [reason, keep, sid], int)


def due(keys: ShardKeys, limit: int, *, worker: str, lease: str = "", over: int = 0) -> Call[Due]:
    """Find what is due for a worker; one without a name comes first.

    `lease`: the key that says who does. `over`: how many to pass over, the oldest, as they are being ended.
    """

    def parse(answer: list[Any]) -> Due:
        now, left, others, *rows = answer
        refs = [name(keys, _text(sid), record) for sid, record in zip(rows[::2], rows[1::2], strict=True)]
        return Due(now, int(left) if left != b"" else None, refs, others)

    lease = lease or keys.lease
    return Call(load("due"), [keys.sessions, keys.records, lease], [limit, worker, LEASE, SECOND, over], parse)


def list_user(
    keys: ShardKeys, user_id: str, limit: int, *, over: bool = False, optional: bool = False
) -> Call[list[Session]]:
    """List a user's sessions; `over`: also those whose deadline has passed."""
    return Call(
        load("list_user"),
        [keys.users(user_id), keys.sessions, keys.records],
        [user_in_record(user_id), limit, "all" if over else ""],
        lambda rows: sessions_in(keys, rows),
        optional=optional,
    )


def records_of(keys: ShardKeys, sids: Sequence[str]) -> Command[list[bytes | None]]:
    """Read records, as they are."""
    return Command(("HMGET", keys.records, *sids), list)


def traces_of(keys: ShardKeys, sids: Sequence[str]) -> tuple[Command[list[Any]], ...]:
    """Look whether Redis holds any trace of sessions: records, deadlines, keys; None for what is missing."""
    return (
        records_of(keys, sids),
        Command(("ZMSCORE", keys.sessions, *sids), list),
        Command(("MGET", *map(keys.session, sids)), list),
    )


def layouts(keys: Keys) -> Call[dict[int, int]]:
    """Ask over how many shards users are spread, or were at some time, as `Keys.learn` takes it; Redis may refuse."""
    return Call(load("layouts"), [keys.shards[0].layouts], [], _notes, optional=True)


def note_layout(keys: Keys) -> Call[dict[int, int]]:
    """Note over how many shards users are spread now, and ask as `layouts` does; Redis may refuse that.

    That it is one needs no note: everybody looks into the first shard.
    """
    if keys.layout == 1:
        return layouts(keys)
    return Call(load("note_layout"), [keys.shards[0].layouts], [keys.layout], _notes, optional=True)


def forget_layout(keys: Keys, layout: int, noted: int, others: Iterable[int]) -> Call[bool]:
    """Forget a number of shards that was `noted` then (ms) and not since; False: it may be needed after all.

    `others` are the numbers because of which it isn't needed; if one of them has been forgotten meanwhile, it may be.
    """
    return Call(load("forget_layout"), [keys.shards[0].layouts], [layout, noted, *others], bool)


def is_deserted(keys: ShardKeys) -> Call[bool]:
    """Ask whether there is nothing left in a shard: no session, no end that is remembered, nothing to audit."""
    return Call(load("is_deserted"), [keys.sessions, keys.records, keys.ended, keys.audit], [], bool)


def count(keys: ShardKeys) -> Command[int]:
    """Count the sessions, those that are just due included."""
    return Command(("ZCARD", keys.sessions), int)


def tally(keys: ShardKeys) -> Call[tuple[int, int]]:
    """Count the sessions, as `count` does, and the entries of the stream."""
    return Call(load("tally"), [keys.sessions, keys.audit], [], lambda answer: (answer[0], answer[1]))


def server_time(keys: ShardKeys) -> Command[int]:
    """Ask for the clock of the Redis that has a shard, ms since the epoch."""
    return Command(("TIME",), lambda answer: int(answer[0]) * 1000 + int(answer[1]) // 1000, near=keys.sessions)


def list_page(keys: ShardKeys, first: int, last: int) -> Call[tuple[int, list[Session]]]:
    """List the sessions from one rank to another, those that end first in front, and say how many ranks there were."""
    return Call(
        load("list_page"),
        [keys.sessions, keys.records],
        [first, last],
        lambda rows: (len(rows) // 3, sessions_in(keys, rows)),
    )


def tidy_user(keys: ShardKeys, user_key: str, sids: Sequence[str]) -> Call[int]:
    """Remove from a user's set what has no record; the answer is how many."""
    return Call(load("tidy_user"), [user_key, keys.records], list(sids), int)


def prune_ended(keys: ShardKeys, cursor: str, count: int, keep: int) -> Call[tuple[str, int]]:
    """Forget a page of the ends whose deadline was over `keep` ms ago; the answer is a cursor and how many."""
    return Call(
        load("prune_ended"), [keys.ended], [cursor, count, keep], lambda answer: (_text(answer[0]), int(answer[1]))
    )


def attach(keys: ShardKeys, reader: str, token: str) -> Call[tuple[str, str, str]]:
    """Become the one reader of a name; the answer is its position, its base, and the stream's last id."""
    return Call(
        load("attach"),
        [keys.readers, keys.audit],
        [reader, token],
        lambda answer: (_text(answer[0]), _text(answer[1]), _text(answer[2])),
    )


def acknowledge(keys: ShardKeys, reader: str, token: str, position: str, last: str, *, base: str) -> Call[bool]:
    """Note that a reader has stored everything up to an entry; False: it must attach again."""
    return Call(load("acknowledge"), [keys.readers, keys.audit], [reader, token, position, last, base], bool)


def rebase(keys: ShardKeys, reader: str, token: str, position: str, base: str) -> Call[bool]:
    """Move a reader's base; False: it must attach again."""
    return Call(load("rebase"), [keys.readers], [reader, token, position, base], bool)


def forget_reader(keys: ShardKeys, reader: str) -> Call[bool]:
    """Forget a reader; False: there is none of that name."""
    return Call(load("forget_reader"), [keys.readers, keys.audit], [reader], bool)


def hold(key: str, owner: str, lasts: int) -> Call[str]:
    """Take or keep a lease for some ms, or with 0 give it back; the answer is who holds it."""
    return Call(load("hold"), [key], [owner, lasts], _text)


def heartbeat(keys: ShardKeys, worker: str, words: str, forgotten: int) -> Call[int]:
    """Note that a worker lives and what it says, a JSON object; the answer is how many others were forgotten."""
    return Call(load("heartbeat"), [keys.workers], [worker, words, forgotten], int)


def bury(keys: ShardKeys, ended: Sequence[tuple[Ref, str]]) -> Call[int]:
    """Remove sessions that had ended for a reason, at most `BATCH`; the answer is how many lived again."""
    refs = [ref for ref, _ in ended]
    users, place = _user_keys(keys, refs, first=4 + len(refs))
    arguments: list[str | int] = []
    for ref, reason in ended:
        arguments += [ref.sid, reason, place(ref)]
    return Call(
        load("bury"),
        [keys.sessions, keys.records, keys.ended, *(keys.session(ref.sid) for ref in refs), *users],
        arguments,
        int,
    )


def name(keys: ShardKeys, sid: str, raw: bytes | None) -> Ref:
    """Return a session's name, with its user where its record says so."""
    user_id = user_of(raw) if raw else None
    if raw and user_id is None:
        parse_or_none(raw, keys.records, sid)  # for what that logs
    return Ref(keys.number, sid, user_id)


def parse_or_none(raw: bytes, *where: str) -> Record | None:
    """Read a record; one that doesn't parse is named in the log, once a minute, and is None."""
    try:
        return parse_record(raw, *where)
    except BadRecord as error:
        if _throttle.allows("record"):
            _log.error("%s; remove it or mend it by hand, its session can't be used", error)
        return None


def sessions_in(keys: ShardKeys, rows: list[bytes]) -> list[Session]:
    """Read rows of sid, deadline and record; those whose record can't be read are left out."""
    found = []
    for sid, deadline, raw in zip(rows[::3], rows[1::3], rows[2::3], strict=True):
        text = _text(sid)
        record = parse_or_none(raw, keys.records, text) if raw else None
        if record:
            found.append(Session(Ref(keys.number, text, record.person.user_id), record, _deadline(deadline, record)))
    return found


def _user_keys(keys: ShardKeys, refs: Sequence[Ref], *, first: int) -> tuple[list[str], Callable[[Ref], int]]:
    """Return the keys of the users' sets, and where in KEYS a ref's stands; 0: not known whose it is."""
    sets = {ref.user_id: keys.users(ref.user_id) for ref in refs if ref.user_id is not None}
    names = list(dict.fromkeys(sets.values()))
    places = {name: first + i for i, name in enumerate(names)}
    return names, lambda ref: places[sets[ref.user_id]] if ref.user_id is not None else 0


def _session(keys: ShardKeys, sid: str, ttl: int, now: int, raw: bytes | None) -> Session | None:
    if not raw or ttl in {-2, 0}:
        return None
    record = parse_or_none(raw, keys.records, sid)
    if record is None or record.expires <= now:
        return None
    return Session(Ref(keys.number, sid, record.person.user_id), record, -1 if ttl < 0 else now + ttl)


def _deadline(score: bytes, record: Record) -> int:
    """Read a score; where there is none, or something that is no time, the record's deadline counts."""
    ms = float(score or 0)
    return int(ms) if 0 < ms <= MAX_MS else record.expires


def _notes(answer: list[bytes]) -> dict[int, int]:
    pairs = zip(answer[::2], answer[1::2], strict=True)
    return {int(number): int(float(at)) for number, at in pairs if number.isdigit()}


def _ended(mark: bytes) -> Reason:
    try:
        return Reason(_text(mark).split(" ", 1)[0])
    except ValueError:
        return Reason.LOST


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")
