"""Which Redis the demo's programs use: one of the person's own, a server that is started, or a cluster that is."""

from __future__ import annotations

from typing import Protocol

from .cluster.six import SixNodes
from .config import Config
from .one_server import OneServer
from .signals import StopSignals
from .theirs import Theirs


class Redis(Protocol):
    """What the demo must know of it.

    Attributes:
        url: what the programs are told.
        starts: what the demo says that it starts; empty where it starts none.
        program: whose log says why it doesn't answer.
    """

    url: str
    starts: str
    program: str

    def check(self) -> None:
        """Make sure that it can be used, before anything is started.

        Raises:
            DemoError: it can't.
        """

    def prepare(self) -> None:
        """Make the directories that it needs."""

    def environment(self) -> dict[str, str]:
        """Return what its programs, and the others for its sake, find in their environment."""

    def answers(self) -> bool:
        """Whether it can be used now; called again and again after the start."""

    def describe(self) -> str:
        """Return the banner's words: what it is, and more lines where there is more to say."""

    def news(self) -> list[str]:
        """Return what has happened to it since the last call, a line each."""


def redis_of(config: Config, stop: StopSignals) -> Redis:
    """Return the Redis that was asked for."""
    if config.redis_url:
        return Theirs(config.redis_url)
    return SixNodes(config, stop) if config.cluster else OneServer(config)
