"""Waiting for nodes, until a signal comes."""

from __future__ import annotations

import time
from collections.abc import Callable

from demo.errors import DemoError
from demo.signals import StopSignals

from .joining import Wait

#: Seconds for a step, which takes one or two.
PATIENCE = 30.0

#: Seconds between looks.
LOOK = 0.05


class Interrupted(Exception):  # noqa: N818 - it is no error
    """A signal came."""


def patience(stop: StopSignals) -> Wait:
    """Return what waits for a condition.

    It raises `Interrupted` where a signal comes, and DemoError where the condition doesn't.
    """

    def wait(condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while not condition():
            if stop.wait(LOOK):
                raise Interrupted
            if time.monotonic() > deadline:
                raise DemoError(f"The nodes don't become a cluster: waited {PATIENCE:.0f} s in vain for {what}.")

    return wait
