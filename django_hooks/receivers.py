"""What happens at once when somebody logs in or out; the rest is the middleware's."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.dispatch import receiver
from django.http import HttpRequest

from session_store import Ref, StoreUnavailable

from .conf import conf
from .notes import Note
from .stores import get_store, note_unavailable
from .visits import Visit


@receiver(user_logged_in, dispatch_uid="django_hooks.note_login")
def note_login(request: HttpRequest | None, **_: Any) -> None:
    """Give a new log-in a nonce of its own; the response that sets the cookie opens the session."""
    if conf.enabled and request is not None and hasattr(request, "session"):
        Note.fresh().write(request.session)


@receiver(user_logged_out, dispatch_uid="django_hooks.end_session")
def end_session(request: HttpRequest | None, **_: Any) -> None:
    """End the wiki's session while the Django session, which is about to be flushed, still names it."""
    if not conf.enabled or request is None or not hasattr(request, "session"):
        return
    visit = Visit.of(request)
    if visit is not None:
        visit.logged_out = True
    note = Note.read(request.session)
    if note is None or note.opened is None or note.shard is None or (visit and visit.over):
        return
    live = visit.live(note.opened) if visit else None
    ref = live.ref if live else Ref(note.shard, note.opened.sid)
    try:
        get_store().end(ref, "logout")
    except StoreUnavailable as error:
        note_unavailable(error, "a log-out did not reach the wiki; its session ends at its deadline")
    if visit is not None:
        visit.ended.add(ref.sid)
