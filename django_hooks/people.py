"""Who logs in, in the words of a record."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from msgspec.structs import replace

from session_store import Person

from .addresses import client_address, keep_address
from .conf import conf


def user_id(user: Any) -> str:
    """Return the id under which a user's sessions are kept: the primary key, as text."""
    return str(user.pk)


def groups_of(user: Any) -> tuple[str, ...]:
    """Return the names of a user's groups that the wiki is told of; where there can be any, the database is asked."""
    groups = getattr(user, "groups", None) if conf.groups else None
    if groups is None or not hasattr(groups, "using"):
        return ()
    found = groups.using(user._state.db).filter(name__in=conf.groups)  # where the user was read: a replica may lag
    return tuple(found.order_by("name").values_list("name", flat=True))


def in_groups(person: Person, groups: tuple[str, ...]) -> Person:
    """Return the same, with the names of groups of the site's."""
    return replace(person, groups=groups)


def describe(user: Any, request: HttpRequest) -> Person:
    """Return what the wiki and the audit log are told of a user and of where a log-in came from."""
    return profile(user, ip=keep_address(client_address(request)), user_agent=request.META.get("HTTP_USER_AGENT") or "")


def profile(user: Any, *, ip: str = "", user_agent: str = "") -> Person:
    """Return what the wiki and the audit log are told of a user; whatever model the site has for its users."""
    field = user.get_email_field_name() if hasattr(user, "get_email_field_name") else None
    full_name = user.get_full_name() if hasattr(user, "get_full_name") else ""
    return Person(
        user_id=user_id(user),
        name=str(user.get_username() or user.pk),
        email=str(getattr(user, field, None) or "") if field else "",
        display_name=str(full_name or ""),
        ip=ip,
        user_agent=user_agent,
    )
