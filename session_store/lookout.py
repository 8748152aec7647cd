"""Work that may take many time-outs, done by a thread beside: whoever needs it waits for one."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

T = TypeVar("T")


class Lookout(Generic[T]):
    """Does one piece of work at a time; who comes while it is under way waits for the same. For any thread.

    redis-py looks for a cluster's nodes one after the other, each with a whole time-out.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pid = os.getpid()
        self._under_way: Future[T] | None = None

    def run(self, work: Callable[[], T], *, wait: float) -> T:
        """Return what the work gives, or raise what it raises.

        Args:
            work: what to do, unless it is under way.
            wait: seconds; it goes on after them, and the next caller may find it done.

        Raises:
            TimeoutError: it is not done in that time.
        """
        if self._pid != os.getpid():  # after a fork the thread is not here, and the lock may be held for ever
            self.__init__()  # type: ignore[misc]
        with self._lock:
            future = self._under_way
            if future is None or future.done():
                future = self._under_way = Future()
                threading.Thread(target=_do, args=(work, future), name="lookout", daemon=True).start()
        return future.result(wait)


def _do(work: Callable[[], T], future: Future[T]) -> None:
    try:
        future.set_result(work())
    except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
        future.set_exception(error)
