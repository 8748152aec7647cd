"""One request, and what it means for the wiki's session.

The invariant: after each response the browser's cookie names a live session of exactly ``request.user``, or there is
none. A visit decides and does no input or output: the middleware asks Redis about `tokens`, hands the answers to
`learn`, lets the view run, and carries out what `plan` returns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from session_store import UNWANTED, Check, Opening, Person, Ref, Session, Token

from .conf import conf
from .cookies import read_cookie
from .notes import Note
from .people import describe, user_id

#: A deadline follows the Django session's when that has moved by a tenth of its age, at most by these ms.
STEP = 60_000

#: Where a request keeps its visit.
_ATTRIBUTE = "_wiki_visit"


@dataclass(frozen=True)
class Grant:
    """A token for the browser, and the ms that it is good for."""

    token: Token
    left: int


@dataclass(frozen=True)
class Plan:
    """What is to be done after the view; as it stands, nothing.

    Attributes:
        opens: the note and the person to open a session for.
        age: the ms that the session to open or to renew has from now on.
        lost: the session that Redis lost and that this one is opened for.
        renews: a live session that follows the Django session.
        replaces: other live sessions of this browser; they end.
        leaves: a live session of a browser that is not logged in any more; it ends.
        grant: what the browser's cookie is to hold.
        forbids: the browser's cookie is to go.
    """

    opens: tuple[Note, Person] | None = None
    age: int | None = None
    lost: Ref | None = None
    renews: Token | None = None
    replaces: Sequence[Ref] = ()
    leaves: Ref | None = None
    grant: Grant | None = None
    forbids: bool = False


@dataclass
class Visit:
    """A request's visit.

    Attributes:
        cookie: the token that the browser sent.
        note: what the Django session remembered when the request came.
        checks: what Redis knew when the request came, by sid.
        blind: Redis did not answer; nothing is known and nothing is changed.
        over: the noted session was ended, or its time is over; none is opened in its place.
        ended: sids that were ended while the view ran.
        logged_out: a log-out happened while the view ran, or before it.
    """

    request: HttpRequest
    cookie: Token | None
    note: Note | None
    checks: dict[str, Check] = field(default_factory=dict)
    blind: bool = False
    over: bool = False
    ended: set[str] = field(default_factory=set)
    logged_out: bool = False

    @classmethod
    def begin(cls, request: HttpRequest) -> Visit:
        """Look at what the browser sent; the Django session is read only where the browser has one."""
        note = Note.read(request.session) if _has_session_cookie(request) else None
        visit = cls(request, read_cookie(request), note)
        setattr(request, _ATTRIBUTE, visit)
        return visit

    @staticmethod
    def of(request: HttpRequest) -> Visit | None:
        """Return the visit of a request, where the middleware has begun one."""
        return getattr(request, _ATTRIBUTE, None)

    @property
    def tokens(self) -> list[Token]:
        """The sessions to ask Redis about."""
        noted = self.note.opened if self.note else None
        return list(dict.fromkeys(token for token in (noted, self.cookie) if token))

    @property
    def following_age(self) -> int | None:
        """The ms that the Django session has from now on, if the wiki's follows it and this response saves it."""
        session = self.request.session
        follows = conf.age is None and self.note is not None
        return _age_of(self.request) if follows and (settings.SESSION_SAVE_EVERY_REQUEST or session.modified) else None

    def learn(self, checks: Sequence[Check | None]) -> None:
        """Take in what Redis says of `tokens`."""
        self.checks = {token.sid: check for token, check in zip(self.tokens, checks, strict=True) if check}
        self.over = self._is_over()

    def live(self, token: Token | None) -> Session | None:
        """Return the session of a token, if it lives as far as this visit knows."""
        check = self.checks.get(token.sid) if token else None
        return check.session if check and token and token.sid not in self.ended else None

    def plan(self, response: HttpResponseBase) -> Plan:
        """Decide what the response is to bring about."""
        user = self._user()
        if user is None:
            return self._plan_leaving()
        if self.blind or response.status_code >= 500:
            return Plan()
        note = Note.read(self.request.session)
        if self.over and note == self.note:
            return Plan(forbids=self.cookie is not None)
        live = self.live(note.opened) if note else None
        if note and live and live.ref.user_id == user_id(user):
            return self._plan_staying(note, live)
        return self._plan_opening(user, note, live)

    def remember(self, note: Note, shard: int, opening: Opening) -> Grant | None:
        """Note the session that was opened; return what the browser gets, None where it had ended before."""
        opened = Note(note.nonce, note.generation, shard, opening.expires if conf.age else None)
        opened.write(self.request.session)
        return Grant(opened.token(shard), opening.expires - opening.now) if opening.lives else None

    def _is_over(self) -> bool:
        token = self.note.opened if self.note else None
        check = self.checks.get(token.sid) if token else None
        if self.note is None or check is None or check.session:
            return False
        asked_for = check.ended is not None and check.ended not in UNWANTED
        past = self.note.expires is not None and self.note.expires <= check.now
        # No timeout is ever defeated: where there is one for idleness, a session that is missing is over.
        return asked_for or past or conf.idle_timeout is not None

    def _user(self) -> Any:
        """Return who is logged in, or None; a session that nobody has touched is not touched here either."""
        if not _has_session_cookie(self.request) and not self.request.session.accessed:
            return None
        user = getattr(self.request, "user", None)
        return user if user is not None and user.is_authenticated else None

    def _plan_leaving(self) -> Plan:
        # A dead cookie is left alone: a log-in that ran at the same time may have set a new one meanwhile.
        live = self.live(self.cookie)
        return Plan(leaves=live.ref if live else None, forbids=bool(live) or self.logged_out)

    def _plan_staying(self, note: Note, live: Session) -> Plan:
        token = note.opened
        now = self.checks[live.ref.sid].now
        age = self.following_age
        moved = age is not None and abs(now + age - live.record.expires) >= min(STEP, age / 10)
        left = age if moved and age is not None else live.record.expires - now
        return Plan(
            renews=token if moved else None,
            age=age,
            replaces=[other.ref for other in self._all_live() if other.ref != live.ref],
            grant=Grant(token, left) if token and (moved or token != self.cookie) else None,
        )

    def _plan_opening(self, user: Any, note: Note | None, live: Session | None) -> Plan:
        person = describe(user, self.request)
        lost = None
        if note is None:
            note = Note.for_session(self.request.session)
        elif live:
            note = Note.fresh()  # the noted session is another user's
        elif note.shard is not None and note.opened:
            lost = Ref(note.shard, note.opened.sid)
            note = note.next()
        age = conf.age or _age_of(self.request)
        replaced = [other.ref for other in self._all_live()]
        return Plan(opens=(note, person), age=age, lost=lost, replaces=replaced)

    def _all_live(self) -> list[Session]:
        return [live for token in self.tokens if (live := self.live(token))]


def _has_session_cookie(request: HttpRequest) -> bool:
    return settings.SESSION_COOKIE_NAME in request.COOKIES


def _age_of(request: HttpRequest) -> int:
    return int(request.session.get_expiry_age() * 1000)
