"""What happens at once when somebody logs in or out; the rest is the middleware's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.dispatch import receiver
from django.http import HttpRequest

from session_store import Ref, StoreUnavailable

from .conf import conf, serves_wiki
from .notes import Note
from .pending import ends_of
from .people import user_id
from .retrying import keep_ends
from .stores import get_store
from .visits import Visit


@receiver(user_logged_in, dispatch_uid="django_hooks.note_login")
def note_login(request: HttpRequest | None, **_: Any) -> None:
    """Give a new log-in a nonce of its own; the response that sets the cookie opens the session."""
    if conf.enabled and serves_wiki() and request is not None and hasattr(request, "session"):
        Note.fresh().write(request.session)


@receiver(user_logged_out, dispatch_uid="django_hooks.end_session")
def end_session(request: HttpRequest | None, user: Any = None, **_: Any) -> None:
    """See to it that the wiki's session ends, while the Django session, which is about to be flushed, still names it.

    During a request the middleware ends it, as soon as the view has returned; else it is ended here.
    """
    if not conf.enabled or not serves_wiki() or request is None or not hasattr(request, "session"):
        return
    visit = Visit.of(request)
    if visit is not None:
        visit.logged_out = True
    if visit is not None and visit.over:
        return
    refs = [ref for ref in _candidates(request, user, visit) if get_store().keys.of_shard(ref.shard)]
    keep = conf.age or int(request.session.get_expiry_age() * 1000)
    if visit is not None:
        visit.leave(refs, keep=keep)
        return
    try:
        get_store().end_for_good(refs, "logout", keep=keep)
    except StoreUnavailable as error:
        keep_ends(error, ends_of(refs, "logout", keep=keep))


def _candidates(request: HttpRequest, user: Any, visit: Visit | None) -> list[Ref]:
    """Return what is open, and what a request that runs beside this one could be about to open in its place."""
    note = Note.read(request.session)
    if note is None or note.opened is None:
        # Django gives a session another key when it first meets it under a new secret.
        keys = (request.session.session_key, request.COOKIES.get(settings.SESSION_COOKIE_NAME))
        return _unopened([note] if note else Note.all_for_keys(keys), user)
    live = visit.live(note.opened) if visit else None
    opened = note.ref(live.ref.user_id if live else user_id(user) if user else None)
    return [*([opened] if opened else []), *_unopened([note.next()], user)]


def _unopened(notes: Sequence[Note], user: Any) -> list[Ref]:
    """Return what may be opened yet, under each of the site's secrets: while one is replaced, processes know others."""
    if user is None:
        return []
    shard = get_store().keys.of_user(user_id(user)).number
    return [Ref(shard, token.sid, user_id(user)) for note in notes for token in note.tokens(shard)]
