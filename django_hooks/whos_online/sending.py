"""The one place where who is online is written and read: whatever is wrong with Redis, pages go on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from session_store import StoreUnavailable
from session_store.presence import Moment, online_history
from session_store.scripts import Call

from ..stores import get_async_store, get_store, note_unavailable
from .options import options

T = TypeVar("T")


def send(calls: Sequence[Call[Any]]) -> None:
    """Write, in one round trip; nothing is done about a Redis that is away but to say so, once a minute."""
    if not calls:
        return
    try:
        get_store().run_all(calls)
    except StoreUnavailable as error:
        note_unavailable(error, "who is online is not noted")


async def asend(calls: Sequence[Call[Any]]) -> None:
    """Write, in an event loop."""
    if not calls:
        return
    try:
        await get_async_store().run_all(calls)
    except StoreUnavailable as error:
        note_unavailable(error, "who is online is not noted")


def ask(call: Call[T]) -> T | None:
    """Read; None where Redis is away."""
    try:
        return get_store().run(call)
    except StoreUnavailable as error:
        note_unavailable(error, "who is online is not shown")
        return None


def ask_history() -> tuple[int, list[Moment]] | None:
    """Read how many were online over the last day, and Redis' clock; None where Redis is away."""
    return ask(online_history(get_store().keys.online)) if options().enabled else None
