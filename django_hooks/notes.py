"""What the Django session remembers of the wiki session: enough to make the same token again, and nothing secret."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, replace
from typing import Any, Self

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.utils.encoding import force_bytes

from session_store import Token, make_nonce, make_token

#: The note's key in the Django session.
NAME = "_wiki_session"


@dataclass(frozen=True)
class Note:
    """A nonce and a generation; a lost session is opened again under the next generation.

    Attributes:
        shard: where it is opened; None: it has not been opened yet.
        expires: its absolute expiry (ms since the epoch), where it has one of its own.
    """

    nonce: str
    generation: int = 0
    shard: int | None = None
    expires: int | None = None

    @classmethod
    def fresh(cls) -> Self:
        """Return the note of a new log-in."""
        return cls(make_nonce())

    @classmethod
    def for_session(cls, session: SessionBase) -> Self:
        """Return the note of a Django session that has none: the same for all requests that come at once."""
        if not session.session_key:
            return cls.fresh()
        digest = hmac.digest(_secret(), b"django-moin-sso nonce 1\0" + session.session_key.encode(), "sha256")
        return cls(digest.hex()[:32])

    @classmethod
    def read(cls, session: SessionBase) -> Self | None:
        """Return the session's note; None where there is none, or something that no version of ours has written."""
        return cls._parse(session.get(NAME))

    @classmethod
    def _parse(cls, kept: Any) -> Self | None:
        match kept:
            case [str(nonce), int(generation), int() | None as shard, int() | None as expires]:
                return cls(nonce, generation, shard, expires)
        return None

    def write(self, session: SessionBase) -> None:
        """Keep it in the session."""
        session[NAME] = [self.nonce, self.generation, self.shard, self.expires]

    def next(self) -> Self:
        """Return the note of the session that takes a lost one's place, with its absolute expiry."""
        return replace(self, generation=self.generation + 1, shard=None)

    def token(self, shard: int) -> Token:
        """Return its token."""
        return make_token(_secret(), self.nonce, self.generation, shard)

    @property
    def opened(self) -> Token | None:
        """Its token, where it has been opened."""
        return None if self.shard is None else self.token(self.shard)


def _secret() -> bytes:
    return force_bytes(settings.SECRET_KEY)
