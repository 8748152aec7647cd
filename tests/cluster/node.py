"""One server of a cluster, with what the others call it and a client to it."""

from __future__ import annotations

from functools import cached_property
from types import TracebackType

import redis

from tests.servers import RedisServer

from .topology import Member, id_of, itself


class Node(RedisServer):
    """A server that keeps its name, its port and its directory while it dies and comes back."""

    @cached_property
    def admin(self) -> redis.Redis:
        """A client for looking and meddling by hand, closed with the server. A paused server lets it wait."""
        return self.client()

    @cached_property
    def name(self) -> str:
        """What the others call it, dead or alive."""
        return id_of(self.admin)

    @property
    def says(self) -> Member:
        """What it says of itself."""
        return itself(self.admin)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if "admin" in self.__dict__:
            self.admin.close()
        super().__exit__(kind, error, trace)
