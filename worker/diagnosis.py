"""What is right and what is wrong with a Redis, in plain words."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import redis
from redis.exceptions import RedisError, ResponseError

from session_store import Config, Store, StoreUnavailable
from session_store.address import Address, Kind
from session_store.keys import MAX_SHARDS
from session_store.link import Node
from session_store.trouble import unavailable

from .config import WorkerConfig
from .finding import Finding
from .flags import SETTING, Flags, read_flags
from .info import read_info
from .placement import coverage, placement, replication, sentinels, shards
from .trial import default_may_write, missing_rights, who_am_i

#: Seconds for which `check` listens for its own key.
SONG = 2.0

#: The oldest Redis with everything the scripts use: SET … PXAT, ZMSCORE, XTRIM MINID.
OLDEST = (6, 2)


def diagnose(config: WorkerConfig) -> list[Finding]:
    """Look at the Redis that the worker would use; change nothing, but for keys that live for a millisecond.

    Of a cluster each primary is looked at; what is not so at all of them says where it is.
    """
    store = Store(config.store, pause=0)
    try:
        nodes = store.link.primaries()
    except StoreUnavailable as error:
        return [_away(error)]
    told: dict[Finding, list[str]] = {found: [node.name for node in nodes] for found in _topology(store, nodes)}
    for node in nodes:
        for finding in _diagnose(config, store, node):
            told.setdefault(finding, []).append(node.name)
    topics = list(dict.fromkeys(finding.topic for finding in told))
    together = sorted(told.items(), key=lambda item: topics.index(item[0].topic))
    return [found if len(places) == len(nodes) else _at(places, found) for found, places in together]


def _diagnose(config: WorkerConfig, store: Store, node: Node) -> list[Finding]:
    """Look at one server."""
    address = config.store.address
    server = node.redis
    start = time.perf_counter()
    try:
        info = read_info(server)
        took = (time.perf_counter() - start) * 1000
        flags = read_flags(server, config.store)
        rights = list(_rights(server, config.store))
        hears = flags.now is None and _hears(store, node)
        replays = default_may_write(server, config.store.redis_prefix) or "valkey_version" in info
    except (RedisError, StoreUnavailable) as error:
        return [_away(error if isinstance(error, StoreUnavailable) else unavailable(config.store, error, node.name))]
    may_config = _may_config(server, flags)
    return [
        Finding("reachable", "ok", f"{node.name} answers in {took:.1f} ms"),
        _transport(address),
        *placement(address, info),
        *replication(address, info),
        *rights,
        *([] if info else [Finding("info", "note", "INFO is forbidden: restarts and evictions are noticed later")]),
        *([_version(info)] if info else []),
        *_flags(flags, may_set=config.set_flags, may_config=may_config, hears=hears),
        *([_persistence(info, replays=replays), _eviction(info)] if info else []),
    ]


def _topology(store: Store, nodes: list[Node]) -> Iterator[Finding]:
    """Look at what is so of all servers together."""
    address = store.config.address
    if address.kind is Kind.CLUSTER:
        answering = (list(coverage(node)) for node in nodes)
        yield from next(filter(None, answering), [])
        yield from shards(store)
    else:
        yield from sentinels(address, nodes[0].redis)


def _at(places: list[str], found: Finding) -> Finding:
    """Return a finding that says where it is so; one on whether a server is reachable says that anyway."""
    return found if found.topic == "reachable" else replace(found, text=f"{found.text} ({', '.join(places)})")


def _away(error: StoreUnavailable) -> Finding:
    remedy = error.remedy or "start Redis there, or set WIKI_REDIS_URL"
    return Finding("reachable", "wrong", f"no answer from {error.server}: {error.problem}", remedy)


def _rights(server: redis.Redis, config: Config) -> Iterator[Finding]:
    me = who_am_i(server, otherwise=config.address.user)
    address = config.address
    cluster = address.kind is Kind.CLUSTER
    found = missing_rights(server, me, config.redis_prefix, address.database, cluster=cluster)
    for user, missing in found.items():
        for rule in missing:
            yield Finding("rights", "wrong", f"{user} lacks {rule}", f"ACL SETUSER {user} {rule}, and ACL SAVE")
        if not missing:
            yield Finding("rights", "ok", f"{user} may do all that it needs")
    if not found:
        yield Finding("rights", "note", f"what {me} may do can't be looked at", "grant +acl|whoami +acl|dryrun")
    if me == "default":
        remedy = "make users: wiki-worker users prints them; docs/security.md says how to put them in"
        yield Finding("rights", "note", "the worker is the default user, who may do everything", remedy)


def _hears(store: Store, node: Node) -> bool:
    """Whether a server tells that a short-lived key of the worker's own has expired, so that the flags are set."""
    with node.redis.keyspace_notifications() as notifications:
        try:
            canary = _canary(store, node)
            notifications.subscribe_keyspace(store.keys.canary_pattern, db=store.config.address.database)
            deadline = time.monotonic() + SONG
            store.command("SET", canary, "", "PX", 1)
            while time.monotonic() < deadline:
                heard = notifications.get_message(timeout=0.02)
                if heard is not None and heard.key == canary:
                    return True
                store.command("EXISTS", canary)
        except (ResponseError, StoreUnavailable):
            pass  # what it may not do is told with the rights
    return False


def _canary(store: Store, node: Node) -> str:
    """Return a canary's key that is the server's own; on a cluster it may be that of a shard which is not in use."""
    keys = (store.keys.of_shard(number) for number in range(MAX_SHARDS))
    found = (shard.canary for shard in keys if shard and store.link.node_of(shard.canary).name == node.name)
    return next(found, store.keys.shards[0].canary)


def _transport(address: Address) -> Finding:
    if address.encrypted and not address.checked:
        remedy = "remove ssl_cert_reqs and ssl_check_hostname from WIKI_REDIS_URL; whoever stands between reads all"
        return Finding("transport", "note", "TLS, but the server need not prove that it is the right one", remedy)
    if not address.encrypted and not address.local:
        return Finding("transport", "note", "in the clear, to another machine", "use TLS: a rediss:// URL")
    return Finding("transport", "ok", "TLS, and the server proves itself" if address.encrypted else "on this machine")


def _version(info: dict[str, Any]) -> Finding:
    name = "Valkey" if "valkey_version" in info else "Redis"
    version = str(info.get("valkey_version") or info.get("redis_version", "0"))
    compatible = str(info.get("redis_version", "0"))
    if tuple(int(part) for part in compatible.split(".")[:2]) < OLDEST:
        return Finding("version", "wrong", f"{name} {version} is too old", "use Redis 6.2 or later, or Valkey")
    return Finding("version", "ok", f"{name} {version}")


def _may_config(server: redis.Redis, flags: Flags) -> bool:
    """Whether CONFIG SET is allowed: setting the flags to what they are changes nothing."""
    if flags.now is None:
        return False
    try:
        return bool(server.config_set(SETTING, flags.now))
    except RedisError:
        return False


def _flags(flags: Flags, *, may_set: bool, may_config: bool, hears: bool) -> Iterator[Finding]:
    if may_config:
        yield Finding("config", "ok", "CONFIG is permitted")
    else:
        yield Finding("config", "note", "CONFIG is forbidden: the worker can't set the flags itself")
    if flags.right:
        yield Finding("flags", "ok", f"{SETTING} is {flags.now!r}")
    elif hears:
        yield Finding("flags", "ok", f"{SETTING} can't be read, but an expired key was told of")
    elif flags.now is None:
        remedy = f"make sure that its configuration has: {flags.remedy}"
        yield Finding("flags", "wrong", f"{SETTING} can't be read", remedy)
    elif may_set and may_config:
        yield Finding("flags", "note", f"{SETTING} is {flags.now!r}; the worker will add {flags.missing!r}")
    else:
        yield Finding("flags", "wrong", f"{SETTING} is {flags.now!r} and lacks {flags.missing!r}", flags.remedy)


def _persistence(info: dict[str, Any], *, replays: bool) -> Finding:
    if info.get("aof_enabled") and not replays:
        text = "append-only file is on, but Redis replays it as the default user, who may not write"
        remedy = "ACL SETUSER default off resetpass ~* &* +@all, and ACL SAVE; else a restart may lose all sessions"
        return Finding("persistence", "wrong", text, remedy)
    if info.get("aof_enabled"):
        return Finding("persistence", "ok", "append-only file is on")
    remedy = "set appendonly yes: without it a restart of Redis logs people out and loses ends"
    return Finding("persistence", "note", "append-only file is off", remedy)


def _eviction(info: dict[str, Any]) -> Finding:
    policy, limit = str(info.get("maxmemory_policy", "unknown")), int(info.get("maxmemory") or 0)
    text = f"{policy}, maxmemory {limit or 'unlimited'}"
    if policy.startswith("allkeys") and limit:
        remedy = "set maxmemory-policy noeviction: this one may evict the sorted set and the audit stream themselves"
        return Finding("eviction", "wrong", text, remedy)
    if policy.startswith("volatile") and limit:
        return Finding("eviction", "note", text, "sessions may be evicted when memory is short; noeviction is safer")
    return Finding("eviction", "ok", text)
