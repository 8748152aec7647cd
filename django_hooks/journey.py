"""What happens around each view: which questions go to Redis together, and what follows from the answers.

A journey is a generator that yields deeds and is sent what they bring; so it is written once, for code with and without
an event loop. What it decides, `visits` decides.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Generator, Sequence
from typing import Any

import msgspec
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers

from session_store import Person, Ref, StoreUnavailable, steps
from session_store.throttle import Throttle

from .conf import conf
from .cookies import delete_cookie, set_cookie
from .deeds import (
    Ask,
    Deed,
    ask_user,
    catch_up,
    confirm,
    find_groups,
    follow_groups,
    is_admitted,
    is_loaded,
    keep_for_later,
    load_session,
    log_out,
    note_presence,
)
from .notes import Note
from .pending import ends_of
from .people import in_groups
from .plans import NOTHING, Grant, Plan
from .retrying import pace
from .stores import get_store, note_unavailable
from .visits import Visit
from .whos_online.options import is_installed as counts_visitors
from .whose import NOBODY, Who, at_hand

Journey = Generator[Deed | Ask, Any, None]

_log = logging.getLogger(__name__)
_throttle = Throttle(seconds=60)


def arrive(visit: Visit) -> Journey:
    """Before the view: look at the sessions that the browser names; the view sees no user of one that was ended."""
    session = visit.request.session
    accessed = session.accessed
    if visit.has_session:
        try:
            if not is_loaded(session):
                yield load_session(visit.request)
            visit.take_note()
        except Exception:  # noqa: BLE001 - whatever the engine does: a page that needs no session must not fail for it
            visit.blind = True
            _unreadable()
    if visit.tokens and not visit.blind:
        yield from _look(visit)
    # A page that does not depend on the session must not say that it does, or caches would not keep it.
    if not visit.over:
        session.accessed = accessed


def _look(visit: Visit) -> Journey:
    visit.note_expiry()
    beside = (yield note_presence(visit.request)) if counts_visitors() else ()
    look = steps.check(get_store().keys, visit.tokens, age=visit.asked_age, beside=beside)
    try:
        visit.learn((yield Ask(visit.budget, look)))
    except StoreUnavailable as error:
        visit.blind = True
        note_unavailable(error, "nobody is logged in to the wiki, and log-outs there are not seen here")
    if visit.over and conf.single_sign_out:
        yield log_out(visit.request)


def depart(visit: Visit, response: HttpResponseBase) -> Journey:
    """After the view: see to it that the cookie names a live session of exactly the request's user, or none."""
    session = visit.request.session
    accessed = session.accessed
    if visit.leaving:
        yield from leave(visit)
    try:
        plan = yield from _decide(visit, response)
        grant = None if plan is NOTHING else (yield from _carry_out(visit, plan)) or plan.grant
    except Exception:  # noqa: BLE001 - as above: the answer is there, and goes out
        _unreadable()
        if visit.is_anothers:
            delete_cookie(response)
            patch_vary_headers(response, ("Cookie",))
        return
    # Where none could be opened, the one that it was to replace does not stay either: it may be another user's.
    forbids = plan.forbids or (plan.opens is not None and visit.live(visit.cookie) is not None)
    if grant is not None:
        set_cookie(response, grant.token, _max_age(visit, grant))
    elif forbids:
        delete_cookie(response)
    if grant is not None or forbids:
        patch_vary_headers(response, ("Cookie",))
    elif not session.modified:
        session.accessed = accessed
    if _may_catch_up(visit, plan, grant) and pace.due():
        yield catch_up(visit.budget.left)


def _may_catch_up(visit: Visit, plan: Plan, grant: Grant | None) -> bool:
    """Whether this request may pay for a look at what Redis has not heard of.

    Never one of who has no session, nor one that has just seen that Redis is away.
    """
    if visit.blind or (plan.opens is not None and grant is None):
        return False
    return visit.has_session or bool(visit.checks) or grant is not None


def leave(visit: Visit) -> Journey:
    """End what a log-out has asked to end."""
    refs = visit.leaving
    if not refs:
        return
    try:
        yield Ask(visit.budget, steps.end_for_good(get_store().keys, refs, "logout", keep=visit.keep))
    except StoreUnavailable as error:
        yield keep_for_later(error, ends_of(refs, "logout", keep=visit.keep))
    visit.leaving = []


def _decide(visit: Visit, response: HttpResponseBase) -> Generator[Deed | Ask, Any, Plan]:
    who = NOBODY
    if visit.has_session or visit.request.session.accessed:
        if not is_loaded(visit.request.session):
            yield load_session(visit.request)
        who = at_hand(visit.request)
    plan = visit.plan(response.status_code, who)
    if plan.asks:
        who = Who.of((yield ask_user(visit.request)))
        plan = visit.plan(response.status_code, who)
    if plan.opens is not None and not (yield is_admitted(who.user)):
        return visit.refuse()
    if plan.opens is not None and conf.groups:
        note, person = plan.opens
        plan = msgspec.structs.replace(plan, opens=(note, in_groups(person, (yield find_groups(who.user)))))
    return plan


def _carry_out(visit: Visit, plan: Plan) -> Generator[Deed | Ask, Any, Grant | None]:
    if plan.opens is not None:
        return (yield from _open(visit, plan, *plan.opens))
    if plan.renews is not None:
        try:
            yield Ask(visit.budget, steps.renew(get_store().keys, plan.renews, age=plan.age))
        except StoreUnavailable as error:
            note_unavailable(error, "the wiki's session could not be renewed")
    for refs, reason in plan.ends:
        yield from _end(visit, refs, reason)
    return None


def _open(visit: Visit, plan: Plan, note: Note, person: Person) -> Generator[Deed | Ask, Any, Grant | None]:
    keys = get_store().keys
    shard = keys.of_user(person.user_id).number
    try:
        opening = yield Ask(
            visit.budget,
            steps.open_session(
                keys,
                note.token(shard),
                person,
                expires_at=note.expires,
                age=plan.age,
                idle=conf.idle_timeout,
                replaces=plan.replaces,
                lost=plan.lost if plan.lost and keys.of_shard(plan.lost.shard) else None,
                # What takes the place of a lost one is no other session.
                most=conf.max_sessions if plan.lost is None else None,
            ),
        )
    except StoreUnavailable as error:
        note_unavailable(error, "the wiki's session could not be opened; the next request tries again")
        visit.put_off(note)
        if plan.replaces:
            yield keep_for_later(error, ends_of(plan.replaces, "replaced", keep=visit.age))
        return None
    wrong = (yield confirm(visit.request, person.user_id)) if opening.lives else ""
    if opening.lives and conf.groups:
        try:
            yield follow_groups(person)
        except StoreUnavailable as error:
            note_unavailable(error, "a user's groups may be old ones in the wiki until they change again")
    grant = visit.remember(note, shard, opening)
    if not wrong or grant is None:
        return grant
    yield from _end(visit, [Ref(shard, grant.token.sid, person.user_id)], wrong)
    return None


def _end(visit: Visit, refs: Sequence[Ref], reason: str) -> Journey:
    try:
        yield Ask(visit.budget, steps.end_all(get_store().keys, refs, reason))
    except StoreUnavailable as error:
        yield keep_for_later(error, ends_of(refs, reason, keep=visit.age))


def _max_age(visit: Visit, grant: Grant) -> int | None:
    """Return the cookie's age in seconds, None where it lives as long as the browser, like Django's."""
    if conf.age is None and visit.request.session.get_expire_at_browser_close():
        return None
    return max(1, math.ceil(grant.left / 1000))


def _unreadable() -> None:
    if _throttle.allows("session"):
        _log.exception(
            "the Django session, or its user, could not be read; the wiki's session is left as it is, if it is theirs"
        )
