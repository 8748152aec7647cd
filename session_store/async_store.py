"""The store for code that runs in an event loop: the verbs that a site needs while it answers a request."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from redis.exceptions import NoScriptError

from . import steps
from .async_connections import close_clients
from .async_links import async_link_to
from .breaker import PAUSE, Breaker
from .config import Config
from .errors import StoreUnavailable
from .keys import Keys
from .records import Person
from .scripts import Request
from .sessions import Check, End, Opening, Ref, Session
from .steps import Steps
from .tokens import Token

T = TypeVar("T")


class AsyncStore:
    """The sessions of one site, in Redis; one pool of connections an event loop.

    What each verb means is said at the verb of the same name of `Store`. Every method may raise `StoreUnavailable`.

    Args:
        config: which Redis.
        pause: seconds for which nothing is tried after a time-out.
    """

    def __init__(self, config: Config, *, pause: float = PAUSE) -> None:
        self.config = config
        self.keys = Keys(config.redis_prefix, config.redis_shards)
        self._breaker = Breaker(config, pause=pause)
        self._link = async_link_to(config, self._breaker)

    async def open(
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
        """Open the session of a token, unless it is open or has ended."""
        return await self.do(
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

    async def update_user(self, person: Person) -> int:
        """Write what is new about a user into the records of the user's sessions; return how many changed."""
        return await self.do(steps.update_user(self.keys, person))

    async def read(self, token: Token) -> Session | None:
        """Return the token's session while it lives."""
        return await self.do(steps.read(self.keys, token))

    async def check(
        self,
        tokens: Sequence[Token],
        *,
        age: int | None = None,
        place: str = "site",
        beside: Sequence[Request[Any]] = (),
    ) -> list[Check | None]:
        """Look at sessions that are used, and renew those that live where that is due."""
        return await self.do(steps.check(self.keys, tokens, age=age, place=place, beside=beside))

    async def renew(self, token: Token, *, age: int | None = None) -> int | None:
        """Note activity; return the ms left, None where it doesn't live."""
        return await self.do(steps.renew(self.keys, token, age=age))

    async def end_for_good(self, refs: Sequence[Ref], reason: str, *, keep: int) -> list[End]:
        """End sessions, and see to it that those that are not open now are never opened."""
        return await self.do(steps.end_for_good(self.keys, refs, reason, keep=keep))

    async def end_all(self, refs: Iterable[Ref], reason: str, *, actor: str = "") -> list[End]:
        """End sessions, in batches; return what this call ended."""
        return await self.do(steps.end_all(self.keys, refs, reason, actor=actor))

    async def end_user(
        self, user_id: str, reason: str, *, but: Token | Ref | None = None, actor: str = ""
    ) -> list[End]:
        """End all sessions of a user, but one where that is asked for."""
        return await self.do(steps.end_user(self.keys, user_id, reason, but=but, actor=actor))

    async def close(self) -> None:
        """Close this event loop's connections."""
        await close_clients(self.config)

    async def do(self, steps: Steps[T]) -> T:
        """Run a verb, round trip by round trip."""
        answers: Any = None
        while True:
            try:
                requests = steps.send(answers)
            except StopIteration as stop:
                return stop.value  # type: ignore[no-any-return] # what the generator's type promises
            answers = await self.run_all(requests)

    async def run_all(self, requests: Sequence[Request[Any]]) -> list[Any]:
        """Run requests in one round trip; they are not atomic together."""
        answers = await self._send(requests)
        return [self._breaker.read(request, answer) for request, answer in zip(requests, answers, strict=True)]

    async def _send(self, requests: Sequence[Request[Any]]) -> list[Any]:
        if len(requests) == 1 and not requests[0].optional:
            return [await self._send_one(requests[0])]
        answers = await self._link.pipeline(requests) if requests else []
        for place, request in enumerate(requests):
            if isinstance(answers[place], NoScriptError):
                answers[place] = await self._send_source(request)
            elif not request.optional:
                self._breaker.refuse(answers[place])
        return answers

    async def _send_one(self, request: Request[Any]) -> Any:
        try:
            return await self._link.command(request.words, request.key)
        except NoScriptError:
            return await self._link.command(request.words_with_source, request.key)

    async def _send_source(self, request: Request[Any]) -> Any:
        try:
            return await self._link.command(request.words_with_source, request.key)
        except StoreUnavailable as error:
            if not request.optional:
                raise
            return error.__cause__
