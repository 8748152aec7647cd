"""What an admin does to live sessions, asked for in a form, and written down with who did it."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import Any

from django.contrib.admin.models import DELETION, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from session_store import Reason, Ref, Session, Store, Token
from session_store.keys import SID
from session_store.listing import Place, Query, find, search
from session_store.verbs import BATCH

from ..models import LiveSession
from ..my_sessions.listing import current_token
from ..people import user_id
from ..stores import get_store

#: Sessions that one form may name.
MOST = 500

#: Seconds after which "all" stops, to go on when it is asked for again: browsers and servers don't wait for ever.
PATIENCE = 20.0

#: Sessions that a page lists before they are ended.
SHOWN = 100

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Act:
    """Which sessions are to be ended: some, all of a user, or all; never, but among some, the one that asks.

    Attributes:
        what: ``selected``, ``user`` or ``all``.
        refs: the selected ones.
        user: the user's id.
        own: the token of the session that asks.
    """

    what: str
    refs: tuple[Ref, ...] = ()
    user: str = ""
    own: Token | None = None

    @property
    def question(self) -> str:
        """What is asked before it is done."""
        if self.what == "all":
            return _("End all sessions?")
        if self.what == "user":
            return _("End all sessions of this user?")
        return ngettext("End the selected session?", "End the selected sessions?", len(self.refs))

    def sessions(self, store: Store) -> list[Session]:
        """Return which are meant, a hundred at most; for ``all`` none, as they are too many to be shown.

        Raises:
            StoreUnavailable: Redis did not answer.
        """
        if self.what == "all":
            return []
        found = store.sessions_of(self.user) if self.user else store.do(find(store.keys, self.refs))
        return [session for session in found if not self.user or not self._is_own(session)][:SHOWN]

    def _is_own(self, session: Session) -> bool:
        return self.own is not None and session.ref.sid == self.own.sid

    def carry_out(self, store: Store, actor: str) -> Done:
        """End them.

        Raises:
            StoreUnavailable: Redis did not answer; some may have ended.
        """
        if self.what == "all":
            return self._end_all(store, actor)
        if self.what == "user":
            return Done(len(store.end_user(self.user, Reason.REVOKED, but=self.own, actor=actor)))
        return Done(len(store.end_all(self.refs, Reason.REVOKED, actor=actor)))

    def _end_all(self, store: Store, actor: str) -> Done:
        begun, count, after = time.monotonic(), 0, Place()
        while True:
            page = store.do(search(store.keys, Query(), after=after, limit=BATCH, looked=BATCH))
            refs = [session.ref for session in page.sessions if not self._is_own(session)]
            count += len(store.end_all(refs, Reason.REVOKED, actor=actor))
            if page.after is None:
                return Done(count)
            after = page.after
            if time.monotonic() - begun > PATIENCE:
                return Done(count, complete=False)


@dataclass(frozen=True)
class Done:
    """How many were ended, and whether there is no more to do."""

    count: int
    complete: bool = True


def read(request: HttpRequest) -> Act | None:
    """Return what a form asks for; None where it names nothing."""
    given, own = request.POST, current_token(request)
    match given.get("what"):
        case "all":
            return Act("all", own=own)
        case "user" if given.get("user"):
            return Act("user", user=given["user"][:255], own=own)
        case "selected":
            refs = tuple(filter(None, map(_ref, given.getlist("session")[:MOST])))
            return Act("selected", refs=refs) if refs else None
    return None


def carry_out(act: Act, request: HttpRequest) -> Done:
    """End what was asked for, and write down who did it: in the admin's log, in ours, and with each end as its actor.

    Raises:
        StoreUnavailable: Redis did not answer; some may have ended.
    """
    user: Any = request.user
    actor = user_id(user)
    meant = ", ".join(ref.sid for ref in act.refs) or act.user
    _log.warning("user %s (%r) ends sessions: %s %r", actor, user.get_username(), act.what, meant)
    done = act.carry_out(get_store(), actor)
    text = ngettext("%(count)d session was ended.", "%(count)d sessions were ended.", done.count)
    LogEntry.objects.create(
        user_id=user.pk,
        content_type=ContentType.objects.get_for_model(LiveSession, for_concrete_model=False),
        object_id=act.refs[0].sid if len(act.refs) == 1 else act.user,
        object_repr=_said(act)[:200],
        action_flag=DELETION,
        change_message=text % {"count": done.count},
    )
    return done


def _said(act: Act) -> str:
    if act.what == "all":
        return _("all sessions")
    if act.what == "user":
        return _("all sessions of user %(id)s") % {"id": act.user}
    return ", ".join(ref.sid for ref in act.refs)


def _ref(text: str) -> Ref | None:
    shard, _dot, sid = text.partition(".")
    known = shard.isascii() and shard.isdecimal() and len(shard) < 6 and SID.fullmatch(sid)
    return Ref(int(shard), sid) if known and get_store().keys.of_shard(int(shard)) else None
