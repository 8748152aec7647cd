"""What a response is to bring about."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from session_store import Person, Ref, Token

from .notes import Note


class Grant(msgspec.Struct, frozen=True):
    """A token for the browser, and the ms that it is good for."""

    token: Token
    left: int


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done after the view; as it stands, nothing.

    Attributes:
        asks: that depends on the user, who must be asked for first.
        opens: the note and the person to open a session for.
        age: the ms that the session to open or to renew has from now on.
        lost: the session that Redis lost and that this one is opened for.
        renews: a live session that follows the Django session.
        replaces: other live sessions of this browser; they end.
        leaves: live sessions of a browser that is not logged in any more; they end, for `reason`.
        grant: what the browser's cookie is to hold.
        forbids: the browser's cookie is to go.
    """

    asks: bool = False
    opens: tuple[Note, Person] | None = None
    age: int | None = None
    lost: Ref | None = None
    renews: Token | None = None
    replaces: Sequence[Ref] = ()
    leaves: Sequence[Ref] = ()
    reason: str = "logout"
    grant: Grant | None = None
    forbids: bool = False

    @property
    def ends(self) -> list[tuple[Sequence[Ref], str]]:
        """The sessions that end, and why."""
        return [(refs, reason) for refs, reason in ((self.replaces, "replaced"), (self.leaves, self.reason)) if refs]


#: What is to be done after most requests.
NOTHING = Plan()
