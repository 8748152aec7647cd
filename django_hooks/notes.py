"""What the Django session remembers of the wiki session: enough to make the same token again, and nothing secret."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any, Self

import msgspec
from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.utils.encoding import force_bytes

from session_store import Ref, Token, make_nonce, make_token

#: The note's key in the Django session.
NAME = "_wiki_session"


class Note(msgspec.Struct, frozen=True, array_like=True, dict=True):
    """A nonce and a generation; a lost session is opened again under the next generation.

    Attributes:
        shard: where it is opened; None: it has not been opened yet.
        expires: its absolute expiry (ms since the epoch), where it has one of its own.
        sid: the opened session's; by it the token is known again when ``SECRET_KEY`` has been replaced meanwhile.
    """

    nonce: str
    generation: int
    shard: int | None
    expires: int | None
    sid: str | None = None

    @classmethod
    def fresh(cls) -> Self:
        """Return the note of a new log-in."""
        return cls(make_nonce(), 0, None, None)

    @classmethod
    def for_session(cls, session: SessionBase) -> Self:
        """Return the note of a Django session that has none: the same for all requests that come at once."""
        key = session.session_key
        return cls._for_key(next(_secrets()), key) if key else cls.fresh()

    @classmethod
    def all_for_keys(cls, keys: Iterable[str | None]) -> list[Self]:
        """Return such notes for keys of a session, those too of processes that know an older secret alone."""
        return [cls._for_key(secret, key) for key in dict.fromkeys(keys) if key for secret in _secrets()]

    @classmethod
    def _for_key(cls, secret: bytes, key: str) -> Self:
        nonce = hmac.digest(secret, b"django-moin-sso nonce 1\0" + key.encode(), "sha256").hex()[:32]
        return cls(nonce, 0, None, None)

    @classmethod
    def read(cls, session: SessionBase) -> Self | None:
        """Return the session's note; None where there is none."""
        return cls.parse(session.get(NAME))

    @classmethod
    def parse(cls, kept: Any) -> Self | None:
        """Return the note that a session has kept; None for what no version of ours has written."""
        try:
            return msgspec.convert(kept, cls)
        except msgspec.ValidationError:
            return None

    def write(self, session: SessionBase) -> None:
        """Keep it in the session."""
        session[NAME] = [self.nonce, self.generation, self.shard, self.expires, self.sid]

    def next(self) -> Self:
        """Return the note of the session that takes a lost one's place, with its absolute expiry."""
        return msgspec.structs.replace(self, generation=self.generation + 1, shard=None, sid=None)

    def token(self, shard: int) -> Token:
        """Return the token that it is to be opened with."""
        return make_token(next(_secrets()), self.nonce, self.generation, shard)

    def tokens(self, shard: int) -> list[Token]:
        """Return every token that it may be opened with: a process that runs yet may know an older secret alone."""
        return [make_token(secret, self.nonce, self.generation, shard) for secret in _secrets()]

    @cached_property
    def opened(self) -> Token | None:
        """Its token, where it has been opened; under whichever of the site's secrets that was."""
        if self.shard is None:
            return None
        for secret in _secrets():
            token = make_token(secret, self.nonce, self.generation, self.shard)
            if self.sid in {None, token.sid}:
                return token
        return self.token(self.shard)

    def recognise(self, cookie: Token | None) -> None:
        """Take the browser's token for the opened one, where it is that: making it anew would cost more."""
        if cookie is not None and cookie.shard == self.shard and cookie.sid == self.sid:
            vars(self)["opened"] = cookie

    def ref(self, user_id: str | None = None) -> Ref | None:
        """Return the opened session's name."""
        if self.shard is None or self.opened is None:
            return None
        return Ref(self.shard, self.sid or self.opened.sid, user_id)


def _secrets() -> Iterator[bytes]:
    """Yield the site's secret, then those that it had before and still honours."""
    yield force_bytes(settings.SECRET_KEY)
    yield from map(force_bytes, settings.SECRET_KEY_FALLBACKS)
