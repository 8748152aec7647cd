"""Which link a configuration asks for."""

from __future__ import annotations

from .address import Kind
from .breaker import Breaker
from .cluster_link import ClusterLink
from .config import Config
from .link import Link
from .server_link import ServerLink


def link_to(config: Config, breaker: Breaker) -> Link:
    """Return the link to a Redis; nothing is connected yet.

    Args:
        config: which Redis.
        breaker: says whether it is worth asking.
    """
    kind = ClusterLink if config.address.kind is Kind.CLUSTER else ServerLink
    return kind(config, breaker)
