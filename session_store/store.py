"""The store: every verb on sessions, each in as few round trips as it needs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

import redis
from redis.exceptions import NoScriptError

from . import steps, verbs
from .address import Kind
from .breaker import PAUSE, Breaker
from .config import Config
from .errors import StoreUnavailable
from .keys import Keys, ShardKeys
from .link import Link, Word, key_of
from .links import link_to
from .records import Person
from .scripts import Request
from .sessions import Check, Due, End, Opening, Ref, Session
from .steps import Steps
from .tokens import Token

T = TypeVar("T")


class Store:
    """The sessions of one site, in Redis.

    Safe to share between threads, and after a fork. Times are milliseconds, points in time since the epoch and by
    Redis' clock. Every method may raise `StoreUnavailable`.

    Args:
        config: which Redis.
        pause: seconds for which nothing is tried after a time-out.
        beside: another store of the same Redis, whose pauses are this one's too.
    """

    def __init__(self, config: Config, *, pause: float = PAUSE, beside: Store | None = None) -> None:
        self.config = config
        self.keys = Keys(config.redis_prefix, config.redis_shards)
        self._breaker: Breaker = beside._breaker if beside else Breaker(config, pause=pause)
        self.link: Link = link_to(config, self._breaker)

    @property
    def redis(self) -> redis.Redis:
        """A client of redis-py, for what only a server as a whole can be asked; of a cluster the first shard's node."""
        return self.link.node_of(self.keys.shards[0].sessions).redis

    @property
    def lanes(self) -> tuple[tuple[ShardKeys, ...], ...]:
        """The shards, those together that one command may name: on a cluster each is alone.

        Who waits for a lane holds up no other one, if each has a thread of its own.
        """
        if self.config.address.kind is Kind.CLUSTER:
            return tuple((keys,) for keys in self.keys.shards)
        return (self.keys.shards,)

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
        most: int | None = None,
    ) -> Opening:
        """Open the session of a token, unless it is open or has ended; one round trip where refs say whose they are.

        Args:
            token: what its cookie will hold.
            person: whose it is.
            expires_at: its absolute expiry, ms since the epoch; or else
            age: ms until its absolute expiry.
            idle: ms without activity after which it ends.
            replaces: sessions of the same browser, which end as ``replaced``.
            lost: a session that Redis has lost and that this one is opened for; it ends as ``lost`` if nobody saw that.
            most: how many sessions the person may have then; the oldest end as ``limit``, in another round trip.
        """
        return self.do(
            steps.open_session(
                self.keys,
                token,
                person,
                expires_at=expires_at,
                age=age,
                idle=idle,
                replaces=replaces,
                lost=lost,
                most=most,
            )
        )

    def update_user(self, person: Person) -> int:
        """Write what is new about a user into the records of the user's sessions. Return how many changed.

        Args:
            person: the user; address and user agent of each log-in stay as they were.
        """
        return self.do(steps.update_user(self.keys, person))

    def read(self, token: Token) -> Session | None:
        """Return the token's session while it lives; nothing is changed."""
        keys = self.keys.of_shard(token.shard)
        return self.run(verbs.read(keys, token.sid)) if keys else None

    def check(
        self,
        tokens: Sequence[Token],
        *,
        age: int | None = None,
        place: str = "site",
        beside: Sequence[Request[Any]] = (),
    ) -> list[Check | None]:
        """Look at sessions that are used, and renew those that live where that is due; one round trip.

        Args:
            tokens: whose; for one of an unknown shard the answer is None.
            age: ms that the site's own session has left, where theirs follows it.
            place: where they are used, ``site`` or ``wiki``; it is noted in them once in five minutes.
            beside: other requests that the round trip takes along; their answers are read and dropped.
        """
        return self.do(steps.check(self.keys, tokens, age=age, place=place, beside=beside))

    def renew(self, token: Token, *, age: int | None = None) -> int | None:
        """Note activity: move the deadline where that is due. Return the ms left, None where it doesn't live."""
        return self.do(steps.renew(self.keys, token, age=age))

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
        return self.do(steps.end_for_good(self.keys, refs, reason, keep=keep))

    def end_all(self, refs: Iterable[Ref], reason: str, *, only_gone: bool = False, actor: str = "") -> list[End]:
        """End sessions, in batches. Return what this call ended.

        Args:
            refs: which, of any shard.
            reason: a `Reason`; ValueError for anything else.
            only_gone: leave those alone that live; what is wrong with their deadline is mended.
            actor: as in `end`.
        """
        return self.do(steps.end_all(self.keys, refs, reason, only_gone=only_gone, actor=actor))

    def end_user(self, user_id: str, reason: str, *, but: Token | Ref | None = None, actor: str = "") -> list[End]:
        """End all sessions of a user, but one where that is asked for."""
        return self.do(steps.end_user(self.keys, user_id, reason, but=but, actor=actor))

    def bury(self, ended: Iterable[tuple[Ref, str]]) -> int:
        """Remove sessions that had ended before Redis went back to older data. Return how many lived again.

        Args:
            ended: which, and the reason that each had ended for.
        """
        return self.do(steps.bury(self.keys, ended))

    def due(self, keys: ShardKeys, *, limit: int = verbs.BATCH, worker: str = "") -> Due:
        """Find the sessions of a shard whose deadline is over; change none.

        Args:
            keys: the shard's.
            limit: how many at most.
            worker: who asks. Of several workers one comes first, the others a while later.
        """
        return self.run(verbs.due(keys, limit, worker=worker))

    def end_due(self, keys: ShardKeys, *, limit: int = verbs.BATCH, worker: str = "") -> tuple[Due, list[End]]:
        """End a batch of what is due in a shard, oldest first. Return what was found, and what this call ended."""
        return self.do(steps.end_due(keys, limit=limit, worker=worker))

    def sessions_of(self, user_id: str, *, limit: int = verbs.BATCH) -> list[Session]:
        """List a user's live sessions."""
        return self.do(steps.sessions_of(self.keys, user_id, limit=limit))

    def sessions(self, *, page: int = verbs.BATCH) -> Iterator[Session]:
        """List all sessions, page by page, those that end first in front (of each shard)."""
        self.learn()
        for keys in self.keys.shards:
            first = 0
            seen = page
            while seen == page:
                seen, found = self.run(verbs.list_page(keys, first, first + page - 1))
                yield from found
                first += page

    def learn(self) -> None:
        """Learn which shards may have sessions: over how many users are spread may have changed."""
        self.do(steps.learn(self.keys))

    def count(self) -> int:
        """Count the sessions, those that are just due included."""
        return self.do(steps.count(self.keys))

    def prune_ended(self, keys: ShardKeys, cursor: str, *, page: int, keep: int) -> tuple[str, int]:
        """Forget a page of old ends. Return the next cursor, ``0`` after the last page, and how many were forgotten."""
        return self.run(verbs.prune_ended(keys, cursor, page, keep))

    def do(self, steps: Steps[T]) -> T:
        """Run a verb, round trip by round trip."""
        answers: Any = None
        while True:
            try:
                requests = steps.send(answers)
            except StopIteration as stop:
                return stop.value  # type: ignore[no-any-return] # what the generator's type promises
            answers = self.run_all(requests)

    def run(self, request: Request[T]) -> T:
        """Run one request."""
        try:
            answer = self.link.command(request.words, request.key)
        except NoScriptError:
            answer = self.link.command(request.words_with_source, request.key)
        return self._breaker.read(request, answer)  # type: ignore[no-any-return] # what its parse gives

    def run_all(self, requests: Sequence[Request[Any]]) -> list[Any]:
        """Run requests in one round trip; they are not atomic together."""
        if len(requests) == 1 and not requests[0].optional:
            return [self.run(requests[0])]
        answers = self.link.pipeline(requests) if requests else []
        for i, request in enumerate(requests):
            if isinstance(answers[i], NoScriptError):
                answers[i] = self._with_source(request)
            elif not request.optional:
                self._breaker.refuse(answers[i])
        return [self._breaker.read(request, answer) for request, answer in zip(requests, answers, strict=True)]

    def read_answer(self, request: Request[T], answer: Any) -> T:
        """Read what Redis has answered to a request."""
        return self._breaker.read(request, answer)  # type: ignore[no-any-return] # what its parse gives

    def command(self, *words: Word) -> Any:
        """Run one Redis command.

        Raises:
            NoScriptError: Redis doesn't know the script.
            StoreUnavailable: anything else went wrong.
        """
        return self.link.command(words, key_of(words))

    def _with_source(self, request: Request[Any]) -> Any:
        try:
            return self.link.command(request.words_with_source, request.key)
        except StoreUnavailable as error:
            if not request.optional:
                raise
            return error.__cause__
