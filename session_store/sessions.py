"""What the store's verbs take and give back."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from .records import Record


class Reason(StrEnum):
    """Why a session ended; it ends once, for one of these."""

    LOGOUT = "logout"
    EXPIRED = "expired"
    IDLE = "idle"
    REPLACED = "replaced"
    REVOKED = "revoked"
    PASSWORD_CHANGE = "password_change"  # noqa: S105 - a reason
    ACCOUNT_DISABLED = "account_disabled"
    LIMIT = "limit"
    EVICTED = "evicted"
    DELETED = "deleted"
    LOST = "lost"


#: Ends that Redis suffered and nobody asked for: the site may open a session in its place.
UNWANTED = frozenset({Reason.EVICTED, Reason.DELETED, Reason.LOST})

#: What a sweep answers for a member that is no sid: it was removed, and no session ended.
STRAY = "stray"


class Ref(msgspec.Struct, frozen=True):
    """A session's name: its shard and sid, and whose it is where that is known."""

    shard: int
    sid: str
    user_id: str | None = None


class Session(msgspec.Struct, frozen=True):
    """A live session.

    Attributes:
        deadline: when its key expires, ms since the epoch; -1 where somebody removed its TTL.
    """

    ref: Ref
    record: Record
    deadline: int

    @property
    def last_active(self) -> int:
        """When it was last used, ms since the epoch: to about five minutes, or one where it has an idle timeout."""
        record = self.record
        renewed = self.deadline - record.idle if record.idle else 0
        return max(record.created, record.on_site, record.in_wiki or 0, renewed)


class Check(msgspec.Struct, frozen=True):
    """What the site learns about one session.

    Attributes:
        session: it, where it lives.
        ended: why it ended, where that is still known.
        now: Redis' clock, ms since the epoch.
    """

    session: Session | None
    ended: Reason | None
    now: int


class Opening(msgspec.Struct, frozen=True):
    """What became of an opening.

    Attributes:
        status: ``opened``; ``alive``, it was open already; ``ended``, it had ended and stays so; ``over``, its
            absolute expiry has passed; ``limit``, its user has too many, and more came while one ended.
        expires: the absolute expiry, ms since the epoch.
        now: Redis' clock, ms since the epoch.
        victims: the sids of sessions that must end before it can be opened.
    """

    status: str
    expires: int
    now: int
    victims: tuple[str, ...] = ()

    @property
    def lives(self) -> bool:
        """Whether there is a session now."""
        return self.status in {"opened", "alive"}


class Due(msgspec.Struct, frozen=True):
    """The sessions whose deadline is over.

    Attributes:
        now: Redis' clock, ms since the epoch.
        left: ms until the next deadline, or None where no session is left.
        refs: what is due, oldest first; at most as many as were asked for.
        others: ms for which another worker comes first, if it does not ask again; 0: the one that asked does.
    """

    now: int
    left: int | None
    refs: list[Ref]
    others: int = 0


class End(msgspec.Struct, frozen=True):
    """One end that this caller brought about; `reason` is a `Reason`, or `STRAY`."""

    ref: Ref
    reason: str
