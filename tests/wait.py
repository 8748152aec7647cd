"""Waiting for something to become true: the one place where a test sleeps."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

#: Seconds between two looks: short beside anything that is waited for, long beside a look.
PAUSE = 0.003


def wait_until(condition: Callable[[], T], what: str, seconds: float = 10) -> T:
    """Look until the condition gives something true, and return that.

    Args:
        condition: what to look at; it is called at least once.
        what: what is waited for, in words, for the failure's message.
        seconds: how long to wait at most.

    Raises:
        AssertionError: the time is over.
    """
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() >= deadline:
            raise AssertionError(f"waited {seconds:g} s in vain for {what}; last seen: {found!r}")
        time.sleep(PAUSE)
