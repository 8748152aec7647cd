"""The store: every verb on sessions, each one round trip."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar

import redis
from redis.exceptions import NoScriptError, RedisError

from . import verbs
from .config import Config
from .connections import client, server_name
from .errors import StoreUnavailable
from .keys import Keys, ShardKeys
from .records import Person
from .scripts import Call
from .sessions import Check, Due, End, Opening, Reason, Ref, Session
from .tokens import Token

T = TypeVar("T")

#: Seconds for which nothing is tried after a time-out, so that a hung Redis does not fill a web server with waiting.
PAUSE = 1.0


class Store:
    """The sessions of one site, in Redis.

    Safe to share between threads, and after a fork. Times are milliseconds, points in time since the epoch and by
    Redis' clock. Every method may raise `StoreUnavailable`.
    """

    def __init__(self, config: Config, *, pause: float = PAUSE) -> None:
        self.config = config
        self.keys = Keys(config.redis_prefix, config.redis_shards)
        self.redis: redis.Redis = client(config)
        self._pause = pause
        self._closed_until = 0.0

    def open(
        self,
        token: Token,
        person: Person,
        *,
        expires_at: int | None = None,
        age: int | None = None,
        idle: int | None = None,
        replaces: Sequence[Ref] = (),
        lost: Ref | None = None,
    ) -> Opening:
        """Open the session of a token, unless it is open or has ended; one round trip.

        Args:
            token: what its cookie will hold.
            person: whose it is.
            expires_at: its absolute expiry, ms since the epoch; or else
            age: ms until its absolute expiry.
            idle: ms without activity after which it ends.
            replaces: sessions of the same browser, which end as ``replaced``.
            lost: a session that Redis has lost and that this one is opened for; it ends as ``lost`` if nobody saw that.
        """
        calls: list[Call[Any]] = [self._end_one(ref, "replaced", only_gone=False) for ref in replaces]
        if lost:
            calls.append(self._end_one(lost, "lost", only_gone=True))
        calls.append(
            verbs.open_session(self._shard(token), token.sid, person, expires_at=expires_at, age=age, idle=idle)
        )
        opening: Opening = self.run_all(calls)[-1]
        return opening

    def read(self, token: Token) -> Session | None:
        """Return the token's session while it lives; nothing is changed."""
        keys = self.keys.of_shard(token.shard)
        return self.run(verbs.read(keys, token.sid)) if keys else None

    def check(self, tokens: Sequence[Token], *, age: int | None = None) -> list[Check | None]:
        """Look at sessions for the site, and renew those that live where that is due; one round trip.

        Args:
            tokens: whose; for one of an unknown shard the answer is None.
            age: ms that the site's own session has left, where theirs follows it.
        """
        shards = [self.keys.of_shard(token.shard) for token in tokens]
        calls = [verbs.check(keys, token.sid, age=age) for keys, token in zip(shards, tokens, strict=True) if keys]
        answers = iter(self.run_all(calls))
        return [next(answers) if keys else None for keys in shards]

    def renew(self, token: Token, *, age: int | None = None) -> int | None:
        """Note activity: move the deadline where that is due. Return the ms left, None where it doesn't live."""
        keys = self.keys.of_shard(token.shard)
        return self.run(verbs.renew(keys, token.sid, age=age)) if keys else None

    def end(self, ref: Ref, reason: str, *, actor: str = "") -> str | None:
        """End a session. Return the reason it ended for, None where it had ended before.

        A session whose deadline had passed ends for that, whatever the caller asked for. One round trip where the ref
        says whose it is, else two.

        Args:
            ref: which.
            reason: a `Reason`.
            actor: the id of the user who ended it, where that is somebody else.
        """
        ends = self.end_all([ref], reason, actor=actor)
        return ends[0].reason if ends else None

    def end_for_good(self, refs: Sequence[Ref], reason: str, *, keep: int) -> list[End]:
        """End sessions, and see to it that those that are not open now are never opened; one round trip.

        Args:
            refs: which, with their users.
            reason: a `Reason`.
            keep: ms for which that is remembered: as long as anybody could try to open them.
        """
        reason = Reason(reason)
        calls: list[Call[Any]] = []
        for ref in refs:
            keys = self._shard(ref)
            calls += [verbs.forbid(keys, ref.sid, reason, keep=keep), self._end_one(ref, reason, only_gone=False)]
        answers = self.run_all(calls) if calls else []
        return [end for ends in answers[1::2] for end in ends]

    def end_all(self, refs: Iterable[Ref], reason: str, *, only_gone: bool = False, actor: str = "") -> list[End]:
        """End sessions, in batches. Return what this call ended.

        Args:
            refs: which, of any shard.
            reason: a `Reason`; ValueError for anything else.
            only_gone: leave those alone that live; what is wrong with their deadline is mended.
            actor: as in `end`.
        """
        reason = Reason(reason)
        ended: list[End] = []
        for batch in _batches(refs, verbs.BATCH):
            by_shard: dict[int, list[Ref]] = {}
            for ref in batch:
                by_shard.setdefault(ref.shard, []).append(ref)
            for group in by_shard.values():
                keys = self._shard(group[0])
                named = self._with_users(keys, group)
                ends = self.run(verbs.end(keys, named, reason, only_gone=only_gone, actor=actor))
                ended += ends
        return ended

    def end_user(self, user_id: str, reason: str, *, but: Token | None = None, actor: str = "") -> list[End]:
        """End all sessions of a user, but one where that is asked for."""
        keys = self.keys.of_user(user_id)
        sids = (raw.decode("utf-8", "surrogateescape") for raw in self.command("SMEMBERS", keys.user(user_id)))
        refs = [Ref(keys.number, sid, user_id) for sid in sids if but is None or sid != but.sid]
        return self.end_all(refs, reason, actor=actor)

    def bury(self, ended: Iterable[tuple[Ref, str]]) -> int:
        """Remove sessions that had ended before Redis went back to older data. Return how many lived again.

        Args:
            ended: which, and the reason that each had ended for.
        """
        buried = 0
        for batch in _batches(ended, verbs.BATCH):
            by_shard: dict[int, dict[str, str]] = {}
            for ref, reason in batch:
                by_shard.setdefault(self._shard(ref).number, {})[ref.sid] = reason
            for number, reasons in by_shard.items():
                keys = self.keys.shards[number]
                living = [(ref, reasons[ref.sid]) for ref in self._known(keys, list(reasons))]
                buried += self.run(verbs.bury(keys, living)) if living else 0
        return buried

    def due(self, keys: ShardKeys, *, limit: int = verbs.BATCH, worker: str = "") -> Due:
        """Find the sessions of a shard whose deadline is over; change none.

        Args:
            keys: the shard's.
            limit: how many at most.
            worker: who asks. Of several workers one comes first, the others a second later.
        """
        return self.run(verbs.due(keys, limit, worker=worker))

    def end_due(self, keys: ShardKeys, *, limit: int = verbs.BATCH, worker: str = "") -> tuple[Due, list[End]]:
        """End a batch of what is due in a shard, oldest first. Return what was found, and what this call ended."""
        due = self.due(keys, limit=limit, worker=worker)
        if not due.refs:
            return due, []
        return due, self.run(verbs.end(keys, due.refs, "lost", only_gone=True, actor=""))

    def sessions_of(self, user_id: str, *, limit: int = verbs.BATCH) -> list[Session]:
        """List a user's live sessions."""
        return self.run(verbs.list_user(self.keys.of_user(user_id), user_id, limit))

    def sessions(self, *, page: int = verbs.BATCH) -> Iterator[Session]:
        """List all sessions, page by page, those that end first in front (of each shard)."""
        for keys in self.keys.shards:
            first = 0
            seen = page
            while seen == page:
                seen, found = self.run(verbs.list_page(keys, first, first + page - 1))
                yield from found
                first += page

    def count(self) -> int:
        """Count the sessions, those that are just due included."""
        return sum(int(self.command("ZCARD", keys.sessions)) for keys in self.keys.shards)

    def prune_ended(self, keys: ShardKeys, cursor: str, *, page: int, keep: int) -> tuple[str, int]:
        """Forget a page of old ends. Return the next cursor, ``0`` after the last page, and how many were forgotten."""
        return self.run(verbs.prune_ended(keys, cursor, page, keep))

    def run(self, call: Call[T]) -> T:
        """Run one script."""
        try:
            answer = self.command(*call.evalsha)
        except NoScriptError:
            answer = self.command(*call.eval)
        return call.parse(answer)

    def run_all(self, calls: Sequence[Call[Any]]) -> list[Any]:
        """Run scripts in one round trip; they are not atomic together."""
        if len(calls) == 1:
            return [self.run(calls[0])]
        answers = self._pipeline(calls)
        for i, call in enumerate(calls):
            if isinstance(answers[i], NoScriptError):
                answers[i] = self.command(*call.eval)
            elif isinstance(answers[i], RedisError):
                raise self._unavailable(answers[i]) from answers[i]
        return [call.parse(answer) for call, answer in zip(calls, answers, strict=True)]

    def command(self, *words: str | bytes | int | float) -> Any:
        """Run one Redis command.

        Raises:
            NoScriptError: Redis doesn't know the script.
            StoreUnavailable: anything else went wrong.
        """
        self._refuse_while_closed()
        try:
            return self.redis.execute_command(*words)  # type: ignore[no-untyped-call] # redis-py's own
        except UnicodeEncodeError:
            # Names found in Redis may be any bytes; hiredis doesn't know surrogateescape.
            return self.command(*(_raw(word) for word in words))
        except NoScriptError:
            raise
        except RedisError as error:
            raise self._unavailable(error) from error

    def _pipeline(self, calls: Sequence[Call[Any]]) -> list[Any]:
        self._refuse_while_closed()
        with self.redis.pipeline(transaction=False) as pipe:
            for call in calls:
                pipe.execute_command(*call.evalsha)  # type: ignore[no-untyped-call] # redis-py's own
            try:
                return pipe.execute(raise_on_error=False)
            except RedisError as error:
                raise self._unavailable(error) from error

    def _refuse_while_closed(self) -> None:
        if time.monotonic() < self._closed_until:
            raise StoreUnavailable(server_name(self.config.redis_url), "did not answer a moment ago; waiting to retry")

    def _unavailable(self, error: RedisError) -> StoreUnavailable:
        if isinstance(error, redis.TimeoutError):
            self._closed_until = time.monotonic() + self._pause
        return StoreUnavailable(server_name(self.config.redis_url), str(error) or type(error).__name__)

    def _shard(self, name: Token | Ref) -> ShardKeys:
        keys = self.keys.of_shard(name.shard)
        if keys is None:
            raise ValueError(f"there is no shard {name.shard}; WIKI_REDIS_SHARDS is {len(self.keys.shards)}")
        return keys

    def _end_one(self, ref: Ref, reason: str, *, only_gone: bool) -> Call[list[End]]:
        keys = self._shard(ref)
        return verbs.end(keys, self._with_users(keys, [ref]), reason, only_gone=only_gone, actor="")

    def _known(self, keys: ShardKeys, sids: list[str]) -> list[Ref]:
        """Return the names of those that Redis holds any trace of."""
        records = self.command("HMGET", keys.records, *sids)
        scores = self.command("ZMSCORE", keys.sessions, *sids)
        values = self.command("MGET", *map(keys.session, sids))
        traces = zip(records, scores, values, strict=True)
        found = zip(sids, records, traces, strict=True)
        return [verbs.name(keys, sid, record) for sid, record, trace in found if trace != (None, None, None)]

    def _with_users(self, keys: ShardKeys, refs: list[Ref]) -> list[Ref]:
        """Fill in whose the sessions are: a script must be given the key of every set that it changes."""
        unknown = [ref.sid for ref in refs if ref.user_id is None]
        if not unknown:
            return refs
        records = dict(zip(unknown, self.command("HMGET", keys.records, *unknown), strict=True))
        return [verbs.name(keys, ref.sid, records[ref.sid]) if ref.user_id is None else ref for ref in refs]


def _raw(word: str | bytes | int | float) -> bytes | int | float:
    return word.encode("utf-8", "surrogateescape") if isinstance(word, str) else word


def _batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch
