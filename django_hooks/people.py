"""Who logs in, in the words of a record."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from session_store import Person

from .addresses import client_address, keep_address


def user_id(user: Any) -> str:
    """Return the id under which a user's sessions are kept: the primary key, as text."""
    return str(user.pk)


def describe(user: Any, request: HttpRequest) -> Person:
    """Return what the wiki and the audit log are told of a user."""
    full_name = getattr(user, "get_full_name", str)()
    email = getattr(user, user.get_email_field_name(), "") if hasattr(user, "get_email_field_name") else ""
    return Person(
        user_id=user_id(user),
        name=user.get_username(),
        email=email or "",
        display_name=full_name or "",
        ip=keep_address(client_address(request)),
        user_agent=request.headers.get("User-Agent", ""),
    )
