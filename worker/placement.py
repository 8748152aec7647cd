"""Whether a URL leads where sessions can be kept, and who would take over there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import redis
from redis.exceptions import AuthenticationError, RedisError, ResponseError
from redis.sentinel import SentinelConnectionPool

from session_store import Store
from session_store.address import Address, Kind
from session_store.keys import MANY_SHARDS
from session_store.link import Node

from .finding import Finding

#: How many slots every cluster has.
SLOTS = 16384

#: Seconds without a word from a replica from which on it lags; it speaks each second.
LAG = 10

#: Bytes that a replica may not have told yet that it has: some are always under way.
BEHIND = 1_000_000


def placement(address: Address, info: dict[str, Any]) -> Iterator[Finding]:
    """Look whether the server that a URL leads to is what it is taken for.

    Args:
        address: the URL.
        info: what the server says of itself.
    """
    if info.get("cluster_enabled") and address.kind is not Kind.CLUSTER:
        scheme = "rediss" if address.encrypted else "redis"
        remedy = f"begin WIKI_REDIS_URL with {scheme}+cluster://, and name some more of its nodes"
        yield Finding("placement", "wrong", "it is a node of a cluster; others have what it has not", remedy)
    elif info.get("role") == "slave":
        primary = f"{info.get('master_host')}:{info.get('master_port')}"
        remedy = f"name {primary} in WIKI_REDIS_URL, or the Sentinels that know it: redis+sentinel://"
        yield Finding("placement", "wrong", f"it is a replica of {primary}, which takes no writes", remedy)


def replication(address: Address, info: dict[str, Any]) -> Iterator[Finding]:
    """Look who would take over from a server, where somebody would see to that."""
    if address.kind is Kind.SERVER or info.get("role") != "master":
        return
    replicas = [said for name, said in info.items() if name[:5] == "slave" and name[5:].isdigit()]
    if not replicas:
        remedy = "give it a replica: while it is away, so are the sessions that it has"
        yield Finding("replicas", "note", "no replica follows", remedy)
    end = int(info.get("master_repl_offset", 0))
    lagging = [f"{said.get('ip')}:{said.get('port')} {why}" for said in replicas if (why := _lag(said, end))]
    for text in lagging:
        remedy = "look at that host and at the network: what it has not got is lost if it takes over"
        yield Finding("replicas", "note", f"the replica {text}", remedy)
    if replicas and not lagging:
        yield Finding("replicas", "ok", "every replica follows closely")


def coverage(node: Node) -> Iterator[Finding]:
    """Look whether a cluster has a node for each slot, as one node sees it."""
    try:
        parts = node.redis.execute_command("CLUSTER SLOTS")
    except RedisError:
        return  # what it may not be asked is told with the rights
    bare = SLOTS - sum(int(part[1]) - int(part[0]) + 1 for part in parts)
    if bare:
        remedy = f"redis-cli --cluster check {node.name} says which nodes are missing; fix gives their slots to others"
        yield Finding("coverage", "wrong", f"{bare} of {SLOTS} slots have no node: what belongs there is away", remedy)
    else:
        yield Finding("coverage", "ok", "every slot has a node")


def shards(store: Store) -> Iterator[Finding]:
    """Look over how many shards of a cluster users are spread, or were at some time."""
    store.learn()
    count = len(store.keys.shards)
    if count > MANY_SHARDS:
        text = f"users are spread over {count} shards, or were; more than {MANY_SHARDS} are too much for one worker"
        remedy = "set WIKI_REDIS_SHARDS to about five a primary; where nothing is left of the others they are forgotten"
        yield Finding("shards", "note", text, remedy)
    else:
        yield Finding("shards", "ok", f"{count}, which a worker can look after")


def sentinels(address: Address, server: redis.Redis) -> Iterator[Finding]:
    """Look which primary each Sentinel names."""
    pool = server.connection_pool
    if not isinstance(pool, SentinelConnectionPool):
        return
    named: dict[str, list[str]] = {}
    for host, client in zip(address.hosts, pool.sentinel_manager.sentinels, strict=True):
        try:
            known = client.sentinel_masters().get(address.service)
        except RedisError as error:
            yield Finding("sentinels", "note", f"no answer from the Sentinel {host}: {error}", _remedy(error))
            continue
        if known is None:
            remedy = f"SENTINEL MONITOR {address.service} HOST PORT QUORUM, there"
            yield Finding("sentinels", "note", f"the Sentinel {host} knows no service {address.service}", remedy)
        else:
            named.setdefault(f"{known['ip']}:{known['port']}", []).append(str(host))
    for primary, places in named.items():
        yield Finding("sentinels", "ok", f"{primary} is primary, by {', '.join(places)}")
    if len(named) > 1:
        remedy = "wait until a failover is done; else compare SENTINEL MASTERS of all of them"
        yield Finding("sentinels", "wrong", "the Sentinels don't name the same primary", remedy)


def _remedy(error: RedisError) -> str:
    """Return what to do about a Sentinel that does not say what it knows."""
    if isinstance(error, AuthenticationError):
        return "give its password after WIKI_REDIS_URL's ?, as sentinel_password=…"
    if isinstance(error, ResponseError):
        return "name a Sentinel's port there, such as 26379, if that is none"
    return "start it"


def _lag(said: dict[str, Any], end: int) -> str:
    """Return what is wrong with a replica, in words; nothing where nothing is."""
    if said.get("state") != "online":
        return f"is not in step yet ({said.get('state')})"
    if int(said.get("lag", 0)) > LAG:
        return f"has said nothing for {said['lag']} s"
    behind = end - int(said.get("offset", end))
    return f"is {behind} bytes behind" if behind > BEHIND else ""
