"""Whether all of the demo answers."""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable
from contextlib import closing, suppress

from .config import Config
from .errors import DemoError
from .log_tail import last_lines
from .ports import check_free
from .redis_kind import Redis
from .signals import StopSignals
from .supervisord import Supervisord

#: Seconds after which something is wrong: ten times what a small machine takes.
PATIENCE = 60.0


def check_ports(config: Config) -> None:
    """Make sure that nobody else listens where the demo will.

    Raises:
        DemoError: somebody does.
    """
    check_free(config.site_port, "SITE_PORT", config.command)
    check_free(config.wiki_port, "WIKI_PORT", config.command)


def wait_until_up(config: Config, redis: Redis, supervisord: Supervisord, stop: StopSignals) -> bool:
    """Wait until all programs run and answer; return False if a signal came instead.

    Raises:
        DemoError: a program did not stay up, or did not answer in time.
    """
    waiting: dict[str, Callable[[], bool]] = {
        redis.program: redis.answers,
        "site": lambda: _page_answers(config.site_port),
        "wiki": lambda: _page_answers(config.wiki_port),
    }
    deadline = time.monotonic() + PATIENCE
    while True:
        running = supervisord.running()
        waiting = {name: answers for name, answers in waiting.items() if not answers()}
        if running and not waiting:
            return True
        if stop.wait(0.1):
            return False
        if time.monotonic() > deadline:
            raise _silent(next(iter(waiting), "wiki-worker"), config)


def _silent(name: str, config: Config) -> DemoError:
    log = config.logs / f"{name}.log"
    return DemoError(f"{name} did not answer within {PATIENCE:.0f} s. The end of {log}:\n{last_lines(log)}")


def _page_answers(port: int) -> bool:
    with (
        suppress(OSError, http.client.HTTPException),
        closing(http.client.HTTPConnection("localhost", port, timeout=5)) as web,
    ):
        # It says that it is no visitor, so that nobody counts as online for it.
        web.request("GET", "/", headers={"User-Agent": "readiness bot"})
        return web.getresponse().status < 400
    return False
