"""Live sessions follow when the groups change that ``WIKI_GROUPS`` names."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.exceptions import FieldDoesNotExist, ImproperlyConfigured
from django.core.signals import setting_changed
from django.db.models.signals import m2m_changed, post_save, pre_delete

from .conf import conf
from .users import users_changed


def connect(*, setting: str = "AUTH_USER_MODEL", **_: Any) -> None:
    """Listen to who comes into groups and who leaves them, where the site's users have Django's groups."""
    field = _field() if setting == "AUTH_USER_MODEL" else None
    if field is None:
        return
    uid = "django_hooks.groups"
    m2m_changed.connect(_on_members, sender=field.remote_field.through, dispatch_uid=uid)
    post_save.connect(_on_group, sender=Group, dispatch_uid=uid)
    pre_delete.connect(_on_group, sender=Group, dispatch_uid=uid)


setting_changed.connect(connect, dispatch_uid="django_hooks.groups.connect")


def _field() -> Any:
    """Return the users' field for groups; None: they have none."""
    try:
        field = get_user_model()._meta.get_field("groups")
    except (FieldDoesNotExist, ImproperlyConfigured):
        return None
    return field if getattr(field, "many_to_many", False) and field.related_model is Group else None


def _on_members(instance: Any, action: str, reverse: bool, pk_set: Iterable[Any] | None, **_: Any) -> None:
    """Note whose groups change; the wiki is told after the commit. Who is in a group is known before it is emptied."""
    if not conf.groups or action not in {"post_add", "post_remove", "pre_clear"}:
        return
    if not reverse:
        users_changed([instance])
    elif action == "pre_clear":
        users_changed(_members(instance))
    else:
        users_changed(pk_set or ())


def _on_group(instance: Any, **_: Any) -> None:
    """A group gets another name, or is deleted."""
    if conf.groups:
        users_changed(_members(instance))


def _members(group: Any) -> list[Any]:
    field = _field()
    if field is None:
        return []
    rows = field.remote_field.through._base_manager.using(group._state.db)
    found = rows.filter(**{field.m2m_reverse_field_name(): group})
    return list(found.values_list(field.m2m_field_name(), flat=True))
