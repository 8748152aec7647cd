"""One of several servers that belong together, with a client to it."""

from __future__ import annotations

from functools import cached_property

import redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry

from demo.cluster.topology import Member, id_of, itself
from tests.servers import PATIENCE, RedisServer


class Server(RedisServer):
    """A server that keeps its port and its directory while it dies and comes back, and a client to it."""

    @cached_property
    def admin(self) -> redis.Redis:
        """A client for looking and meddling by hand, closed with the server. A paused server lets it wait."""
        # Who is told to follow another cuts off its clients, such as one that has just come.
        retry = Retry(ConstantBackoff(0.05), 20, (redis.ConnectionError,))
        return redis.Redis.from_url(self.url, socket_timeout=PATIENCE, retry=retry)

    def _end(self) -> None:
        if "admin" in self.__dict__:
            self.admin.close()
        super()._end()


class Node(Server):
    """A node of a cluster."""

    @cached_property
    def name(self) -> str:
        """What the others call it, dead or alive."""
        return id_of(self.admin)

    @property
    def says(self) -> Member:
        """What it says of itself."""
        return itself(self.admin)
