"""One request, and what it means for the wiki's session.

The invariant: after each response the browser's cookie names a live session of exactly ``request.user``, or there is
none. A visit decides and does no input or output: what Redis says of its `tokens` is handed to `learn` before the view;
what `plan` returns after it is carried out by a journey.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextvars import ContextVar
from typing import Any

import msgspec
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.http import HttpRequest

from session_store import UNWANTED, Check, Opening, Reason, Ref, Session, Token

from .budget import Budget
from .conf import conf
from .cookies import read_cookie
from .notes import NAME, Note
from .people import describe
from .plans import NOTHING, Grant, Plan
from .whose import Who, at_hand

#: A deadline follows the Django session's when that has moved by a tenth of its age, at most by these ms.
STEP = 60_000

#: Where a request keeps its visit.
_ATTRIBUTE = "_wiki_visit"

#: The visit of the request that a view is answering; None: none is.
current: ContextVar[Visit | None] = ContextVar("wiki_visit", default=None)


class Visit(msgspec.Struct, eq=False):
    """A request's visit.

    Attributes:
        cookie: the token that the browser sent.
        has_session: whether the browser sent the cookie of a Django session.
        note: what the Django session remembered when the request came.
        tokens: the sessions to ask Redis about.
        checks: what Redis knew when the request came, by sid.
        asked_age: the ms that the session was to have from then on, where it followed the Django session's.
        blind: Redis did not answer; nothing is known and nothing is changed.
        over: the noted session was ended, or its time is over; none is opened in its place.
        superseded: the browser has another one since this request was sent; it is for others to say which.
        ended: sids that were ended while the view ran.
        logged_out: a log-out happened while the view ran, or before it.
        leaving: what that log-out ends for good, for `keep` ms.
        renews_token: the user's password has changed; the browser goes on with another token.
        budget: the time that may be spent on Redis.
    """

    request: HttpRequest
    cookie: Token | None
    has_session: bool
    note: Note | None = None
    tokens: list[Token] = []
    checks: dict[str, Check] = {}
    asked_age: int | None = None
    blind: bool = False
    over: bool = False
    superseded: bool = False
    ended: set[str] = set()
    logged_out: bool = False
    leaving: list[Ref] = []
    keep: int = 0
    renews_token: bool = False
    budget: Budget = msgspec.field(default_factory=Budget)
    _closes: bool | None = None
    _kept: Any = None

    @classmethod
    def begin(cls, request: HttpRequest) -> Visit:
        """Look at what the browser sent."""
        visit = cls(request, read_cookie(request), settings.SESSION_COOKIE_NAME in request.COOKIES)
        visit.tokens = [visit.cookie] if visit.cookie else []
        setattr(request, _ATTRIBUTE, visit)
        return visit

    @staticmethod
    def of(request: HttpRequest) -> Visit | None:
        """Return the visit of a request, where the middleware has begun one."""
        return getattr(request, _ATTRIBUTE, None)

    @property
    def concerns_nobody(self) -> bool:
        """Whether the browser sent nothing, and the view has touched no session."""
        return not self.has_session and self.cookie is None and not self.request.session.accessed

    @property
    def following_age(self) -> int | None:
        """The ms that the Django session has from now on, if the wiki's follows it and this response saves it."""
        session = self.request.session
        if conf.age is not None or not (session.modified or settings.SESSION_SAVE_EVERY_REQUEST):
            return None
        return _age_of(self.request)

    @property
    def is_anothers(self) -> bool:
        """Whether the cookie is another user's than the request's by now, as far as the session says whose that is."""
        live = self.live(self.cookie)
        try:
            return live is not None and self.user_id_at_hand not in {"", live.ref.user_id}
        except Exception:  # noqa: BLE001 - whatever the engine does: nothing is known of it then
            return False

    def take_note(self) -> None:
        """Take in what the Django session remembers, before the view may change that."""
        self._kept = self.request.session.get(NAME)
        self.note = Note.parse(self._kept)
        if self.note is not None:
            self.note.recognise(self.cookie)
            noted = self.note.opened
            if noted is not None and noted is not self.cookie and noted != self.cookie:
                self.tokens.insert(0, noted)

    @property
    def age(self) -> int:
        """The ms that a session has which is opened now."""
        return conf.age or _age_of(self.request)

    def note_expiry(self) -> None:
        """Note when the Django session expires, before the view may change that."""
        if self.note is not None and conf.age is None:
            self.asked_age = self.following_age
            self._closes = self.request.session.get_expire_at_browser_close()

    def session_of(self, user_id: str) -> Ref | None:
        """Return this browser's session, where it is that user's."""
        live = self.live(self.note.opened) if self.note else None
        if live is not None:
            return live.ref if live.ref.user_id == user_id else None
        return self.note.ref(user_id) if self.note and self.blind and self.user_id_at_hand == user_id else None

    @property
    def user_id_at_hand(self) -> str | None:
        """The id of the user at the browser, as far as that is known."""
        return at_hand(self.request).user_id if self.has_session or self.request.session.accessed else None

    def learn(self, checks: Sequence[Check | None]) -> None:
        """Take in what Redis says of `tokens`."""
        for token, check in zip(self.tokens, checks, strict=True):
            if check is not None:
                self.checks[token.sid] = check
        check = self.checks.get(self.note.opened.sid) if self.note and self.note.opened else None
        if check is not None and check.session is None:
            self.superseded = check.ended is Reason.REPLACED
            self.over = not self.superseded and self._is_over(check)

    def live(self, token: Token | None) -> Session | None:
        """Return the session of a token, if it lives as far as this visit knows."""
        check = self.checks.get(token.sid) if token else None
        return check.session if check and token and token.sid not in self.ended else None

    def plan(self, status: int, who: Who) -> Plan:
        """Decide what a response is to bring about.

        Args:
            status: the response's.
            who: whose the request is by now.
        """
        if who.user_id is None or self._is_programs:
            return self._plan_leaving(who)
        note = self._note_by_now()
        if self.blind:
            # Whose the cookie is can't be told; after a log-in, it may be somebody else's.
            gone = self.note.ref() if self.note and note is not self.note else None
            return Plan(replaces=[gone] if gone else [], forbids=self.cookie is not None and note is not self.note)
        if status >= 500:
            return self._plan_failing(who)
        if note is self.note and (self.over or self.superseded):
            return Plan(forbids=self.over and self.cookie is not None)
        live = self.live(note.opened) if note else None
        if note and live and live.ref.user_id == who.user_id and not self.renews_token:
            return self._plan_staying(note, live)
        return self._plan_opening(note, live, who) if who.user is not None else Plan(asks=True)

    def leave(self, refs: Sequence[Ref], *, keep: int) -> None:
        """Take in that a log-out ends sessions for good; that is remembered for `keep` ms."""
        self.leaving += refs
        self.keep = max(self.keep, keep)
        self.ended |= {ref.sid for ref in refs}

    def refuse(self) -> Plan:
        """Decide what becomes of a browser whose user may not enter the wiki."""
        others = [live.ref for live in self._all_live()]
        return Plan(replaces=others, forbids=bool(others))

    def put_off(self, note: Note) -> None:
        """Note that a session is still to be opened: the noted one, another user's, ends all the same."""
        if self.note is not None and note.nonce != self.note.nonce:
            note.write(self.request.session)

    def remember(self, note: Note, shard: int, opening: Opening) -> Grant | None:
        """Note the session that was opened; return what the browser gets, None where it had ended before."""
        token = note.token(shard)
        if opening.status == "limit":
            return None  # the next request tries again
        opened = msgspec.structs.replace(
            note, shard=shard, sid=token.sid, expires=opening.expires if conf.age else None
        )
        opened.write(self.request.session)
        return Grant(token, opening.expires - opening.now) if opening.lives else None

    def _note_by_now(self) -> Note | None:
        kept = self.request.session.get(NAME)
        # The note that was read before the view has made its token already.
        return self.note if kept is self._kept or kept == self._kept else Note.parse(kept)

    @property
    def _is_programs(self) -> bool:
        """Whether it says in each request anew whose it is, as an API's clients do: there is no browser to log in."""
        if self.has_session or self.cookie is not None or "HTTP_AUTHORIZATION" not in self.request.META:
            return False
        return SESSION_KEY not in self.request.session

    def _is_over(self, check: Check) -> bool:
        asked_for = check.ended is not None and check.ended not in UNWANTED
        expires = self.note.expires if self.note else None
        past = expires is not None and expires <= check.now
        # No timeout is ever defeated: where there is one for idleness, a session that is missing is over.
        return asked_for or past or conf.idle_timeout is not None

    def _plan_leaving(self, who: Who) -> Plan:
        # A dead cookie is left alone: a log-in that ran at the same time may have set a new one meanwhile.
        leaves = [live.ref for live in self._all_live()]
        reason = "account_disabled" if who.refused else "logout"
        forbids = self.live(self.cookie) is not None or self.logged_out
        return Plan(leaves=leaves, reason=reason, forbids=forbids)

    def _plan_failing(self, who: Who) -> Plan:
        # Django saves no session with such a response, so none is opened; but another user's does not stay.
        others = [live.ref for live in self._all_live() if live.ref.user_id != who.user_id]
        return Plan(replaces=others, forbids=bool(others)) if who.user_id else Plan()

    def _plan_staying(self, note: Note, live: Session) -> Plan:
        token = note.opened
        now = self.checks[live.ref.sid].now
        age, expires = self.following_age, live.record.expires
        moves = age is not None and abs(now + age - expires) >= min(STEP, age / 10)
        moved = moves or (self.asked_age is not None and expires == now + self.asked_age)
        grants = token is not None and (moved or token != self.cookie or self._closes_otherwise)
        others = [other.ref for other in self._all_live() if other is not live]
        if not (moves or grants or others):
            return NOTHING
        left = age if moves and age is not None else expires - now
        return Plan(
            renews=token if moves else None,
            age=age,
            replaces=others,
            grant=Grant(token, left) if token and grants else None,
        )

    @property
    def _closes_otherwise(self) -> bool:
        """Whether the view has decided anew if the Django session ends with the browser."""
        closes, session = self._closes, self.request.session
        return closes is not None and session.modified and session.get_expire_at_browser_close() != closes

    def _plan_opening(self, note: Note | None, live: Session | None, who: Who) -> Plan:
        person = describe(who.user, self.request)
        lost = None
        if note is None:
            note = Note.for_session(self.request.session)
        elif live:
            note = Note.fresh()  # the noted session is another user's, or its token is to be another
        elif note.opened:
            lost = note.ref()
            note = note.next()
        age = self.age
        replaced = [other.ref for other in self._all_live()]
        return Plan(opens=(note, person), age=age, lost=lost, replaces=replaced)

    def _all_live(self) -> list[Session]:
        return [live for token in self.tokens if (live := self.live(token))]


def _age_of(request: HttpRequest) -> int:
    return int(request.session.get_expiry_age() * 1000)
