"""What becomes of users' sessions in the wiki when their accounts change: disabled, deleted, renamed, new password."""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable, Iterable
from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.db import models, router, transaction
from django.db.models.signals import post_delete, post_save, pre_delete, pre_save

from session_store import StoreUnavailable
from session_store.throttle import Throttle

from .changes import Change, change_between, concerns
from .conf import conf, serves_wiki
from .entry import find_user, may_enter
from .models import PendingEnd
from .pending import remember, settle
from .people import user_id
from .retrying import pace
from .stores import note_unavailable
from .visits import Visit, current

#: Where a user that is being saved keeps what that changes.
_ATTRIBUTE = "_wiki_change"

_log = logging.getLogger(__name__)
_throttle = Throttle(seconds=60)


def users_changed(users: Iterable[Any], *, password: bool = False) -> None:
    """Have the wiki follow changes of users that no ``save()`` has seen: ``update()``, ``bulk_update()``, raw SQL.

    Of each, what the database says after the commit is what counts: who may not enter the wiki any more is out of it at
    once; of others, the records follow.

    Args:
        users: a queryset that finds them after the change, or users, or their primary keys.
        password: their passwords have changed: all their sessions end.
    """
    if not _is_on():
        return
    keys = users.values_list("pk", flat=True) if isinstance(users, models.QuerySet) else users
    ids = [user_id(each) if isinstance(each, models.Model) else str(each) for each in keys]
    reason = "password_change" if password else ""
    rows = [PendingEnd(user_id=each, reason=reason, certain=True, actor=_actor(each)) for each in ids]
    using = router.db_for_write(get_user_model())
    remember(rows, using=using)
    _after_commit(using, _settle_all, rows)


def connect(*, setting: str = "AUTH_USER_MODEL", **_: Any) -> None:
    """Listen to the user model's signals, and to those of models that are made of it.

    To no other's: Django deletes rows one by one of a model that somebody listens to.
    """
    if setting != "AUTH_USER_MODEL":
        return
    try:
        users = get_user_model()
    except ImproperlyConfigured:  # Django says so where a user is needed
        return
    for model in apps.get_models():
        if issubclass(model, users):
            for signal, receiver in (
                (pre_save, _before_save),
                (post_save, _after_save),
                (pre_delete, _before_delete),
                (post_delete, _after_delete),
            ):
                signal.connect(receiver, sender=model, dispatch_uid=f"django_hooks.{receiver.__name__}")


setting_changed.connect(connect, dispatch_uid="django_hooks.connect")


def _before_save(
    sender: type[models.Model], instance: Any, raw: bool, using: str, update_fields: frozenset[str] | None, **_: Any
) -> None:
    """Compare with what the database has, not with what was loaded: another process may have changed that since."""
    if raw or not _is_on() or _is_new(instance) or not concerns(sender, update_fields):
        return
    before = sender._base_manager.using(using).filter(pk=instance.pk).first()
    if before is not None:
        change = _change(before, _as_saved(before, instance, update_fields))
        if change is not None:
            setattr(instance, _ATTRIBUTE, (_note(instance, change, using) if change.visible else None))


def _after_save(instance: Any, created: bool, raw: bool, using: str, **_: Any) -> None:
    if not _is_on():
        return
    if raw and not created:
        users_changed([instance])
    if _ATTRIBUTE not in vars(instance):
        return
    row: PendingEnd | None = vars(instance).pop(_ATTRIBUTE)
    if row:
        _after_commit(using, _settle, row, current.get())
    else:
        _after_commit(using, _ask_again, user_id(instance), using)


def _before_delete(instance: Any, using: str, **_: Any) -> None:
    if _is_on():
        setattr(instance, _ATTRIBUTE, _note(instance, Change("account_disabled"), using))


def _after_delete(instance: Any, using: str, **_: Any) -> None:
    if _ATTRIBUTE in vars(instance):
        _after_commit(using, _settle, vars(instance).pop(_ATTRIBUTE), current.get())


def _change(before: Any, after: Any) -> Change | None:
    try:
        return change_between(before, after)
    except Exception:  # noqa: BLE001 - WIKI_USER_TEST, the site's own code; it is asked again, and until then retried
        if _throttle.allows("test"):
            _log.exception("what a change of a user means for the wiki can't be told yet")
        return Change()


def _as_saved(before: Any, instance: Any, fields: frozenset[str] | None) -> Any:
    """Return the user as it will be in the database: what is not among the saved fields stays as it was."""
    if fields is None:
        return instance
    after = copy.copy(before)
    for name in fields:
        setattr(after, name, getattr(instance, name))
    return after


def _note(instance: Any, change: Change, using: str) -> PendingEnd:
    whose = user_id(instance)
    visit = current.get()
    spared = visit.session_of(whose) if visit and change.reason == "password_change" else None
    row = PendingEnd(
        user_id=whose,
        reason=change.reason,
        proof=change.proof,
        actor=_actor(whose),
        spared=spared.sid if spared else "",
    )
    remember([row], using=using)
    return row


def _after_commit(using: str, function: Callable[..., None], *words: Any) -> None:
    """Have something done after the commit; nobody's change fails for it."""

    def committed() -> None:
        try:
            function(*words)
        except Exception:  # noqa: BLE001 - what is not done stays a row, and is tried again
            if _throttle.allows("commit"):
                _log.exception("a change of a user could not be told to the wiki; it is tried again")

    transaction.on_commit(committed, using=using)


def _settle(row: PendingEnd, visit: Visit | None) -> None:
    if visit is not None and row.reason == "password_change" and visit.session_of(row.user_id):
        visit.renews_token = True
    _settle_all([row])


def _settle_all(rows: Iterable[PendingEnd]) -> None:
    for row in rows:
        try:
            settle(row)
        except StoreUnavailable as error:
            pace.hurry()
            note_unavailable(error, "a change of a user has not reached the wiki; it will as soon as Redis answers")


def _ask_again(whose: str, using: str) -> None:
    """Ask ``WIKI_USER_TEST`` after the commit: it may depend on more than the user's own row."""
    user = find_user(whose, using=using)
    if user is not None and not may_enter(user):
        users_changed([user])


def _actor(whose: str) -> str:
    visit = current.get()
    acting = visit.user_id_at_hand if visit else None
    return acting if acting and acting != whose else ""


def _is_on() -> bool:
    return conf.enabled and serves_wiki()


def _is_new(instance: Any) -> bool:
    return bool(instance._state.adding and (instance.pk is None or instance._meta.pk.has_default()))
