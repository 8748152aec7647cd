"""A user's personal data is erased from the audit table; that something happened, and when, stays."""

from __future__ import annotations

from django.db import transaction

from .table import events_to_write

#: What is erased: who it was, and where from.
ERASED = {"user_name": "", "email": "", "display_name": "", "ip": None, "user_agent": ""}


def ids_of(name: str) -> list[str]:
    """Return the ids of the users that had a name when they logged in; a name may have had several."""
    ids = events_to_write().filter(user_name=name).exclude(user_id="").values_list("user_id", flat=True)
    return sorted(set(ids.distinct()))


def count_rows(user_id: str) -> int:
    """Count the rows of a user's sessions."""
    return events_to_write().filter(user_id=user_id).count()


def forget(user_id: str, *, and_id: bool) -> int:
    """Erase a user's personal data; return how many rows had any, or could have.

    Args:
        user_id: whose.
        and_id: erase the id too, also where the user has ended other people's sessions. Then nothing tells any more
            which rows belong together.
    """
    events = events_to_write()
    with transaction.atomic(using=events.db):
        if and_id:
            events.filter(actor=user_id).update(actor="")
        return events.filter(user_id=user_id).update(**ERASED, **({"user_id": ""} if and_id else {}))
