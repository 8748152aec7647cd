"""What site, wiki and worker may do in Redis: each as much as it needs, and nothing else.

An ACL knows commands, keys and channels. A script runs with the rights of whoever sends it, so that a right to run
scripts adds nothing to what these tables give: which commands somebody may use on which keys, by hand or in a script.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from session_store.keys import Keys, escape_glob

#: Commands that take no key: what everybody needs, to run scripts, to know the time, and to try a connection.
EVERYBODY = "eval evalsha time ping"

#: The same on a cluster: to learn which node has what, where a command's keys stand, and to follow a slot on the move.
CLUSTER = "cluster|slots command asking"

#: Commands that change nothing.
READING = frozenset(
    word
    for family in (
        "exists get mget pttl type pfcount scard sismember smembers sscan hexists hget hgetall hmget hscan hvals",
        "zcard zcount zmscore zrange zrangebyscore zrevrange zrevrangebyscore zrevrank zscan zscore",
        "xlen xrange xread xrevrange",
    )
    for word in family.split()
)


@dataclass(frozen=True)
class Rights:
    """What one of the three may do.

    Attributes:
        user: the name of its ACL user.
        commands: those that take no key.
        keys: kind of key → the commands for it.
        listens: whether it hears notifications.
    """

    user: str
    commands: str
    keys: Mapping[str, str]
    listens: bool = False


_ONLINE_REPORT = MappingProxyType(
    {
        "members": "type zadd zrem zrangebyscore pexpire",
        "hidden": "type zadd zrem zrangebyscore pexpire",
        "hiding": "type sismember",
        "names": "type hset hdel pexpire",
        "left": "type zscore zrem",
        "guests": "type",
    }
)

#: The wiki reads sessions whose cookies it is shown, renews them, ends them at a log-out, and says who is online.
WIKI = Rights(
    user="wiki-wiki",
    commands="",
    keys={
        "session": "pttl del pexpireat",
        "sessions": "type zmscore zadd zrem",
        "records": "type hget hmget hdel",
        "ended": "type hget hset",
        "audit": "type xadd",
        "users": "srem",
        **_ONLINE_REPORT,
        "state": "type hget",
    },
)

#: The site opens, reads, lists and ends sessions, stores the audit stream in its table, and counts visitors.
SITE = Rights(
    user="wiki-site",
    commands="",
    keys={
        "session": "type set mget pttl exists del pexpireat",
        "sessions": "type zadd zrem zcard zcount zscan zscore zmscore zrange zrevrange zrevrank",
        "records": "type hget hmget hset hdel",
        "ended": "type hget hexists hset hsetnx",
        "audit": "type xadd xread xrange xrevrange xlen xtrim",
        "users": "type smembers sadd srem",
        "readers": "hget hgetall hset hdel hvals",
        "workers": "hgetall",
        "layouts": "zadd zrange",
        "job": "get set del pexpire",
        "members": "type zadd zrem zscore zcount zrangebyscore zrevrangebyscore pttl pexpire",
        "hidden": "type zadd zrem zscore zcount zrangebyscore zrevrangebyscore pttl pexpire",
        "hiding": "type sadd srem sismember",
        "names": "type hmget hset hdel pexpire",
        "left": "type zadd zrem zscore zremrangebyscore pexpire",
        "state": "type hget hset",
        "history": "type hset hget hvals pexpire",
        "guests": "type set exists zadd zrem zcard zcount zscore zrangebyscore pfadd pfcount pexpire pexpireat",
        "bots": "type set exists zadd zrem zcard zcount zscore zrangebyscore pfadd pfcount pexpire pexpireat",
    },
)

#: The worker ends what is due, compares index, records and keys, and stores the audit stream in its file.
WORKER = Rights(
    user="wiki-worker",
    commands="scan info psubscribe acl|whoami acl|dryrun",
    keys={
        "session": "pttl mget del pexpireat",
        "sessions": "type zadd zrem zcard zscan zscore zmscore zrange zrangebyscore",
        "records": "type hget hmget hexists hscan hdel",
        "ended": "type hset hdel hscan",
        "audit": "type xadd xread xrange xrevrange xlen xtrim",
        "users": "smembers scard sscan sadd srem",
        "readers": "hget hgetall hset hdel hvals",
        "lease": "get set pttl pexpire",
        "workers": "hset hgetall hdel",
        "layouts": "zadd zrange zscore",
        "canary": "set exists",
        "members": "type zrem zscore zcount zrangebyscore",
        "hidden": "type zrem zscore zcount zrangebyscore",
        "names": "type hdel",
        "left": "type",
        "state": "type hget hset",
        "history": "type hget hset pexpire",
        "guests": "type exists zrem zcount zrangebyscore pfcount",
        "bots": "zrem zrangebyscore",
    },
    listens=True,
)

ALL = (WIKI, SITE, WORKER)


def patterns(prefix: str) -> dict[str, str]:
    """Return the glob of each kind of key, in every shard.

    Args:
        prefix: what the site's keys begin with.
    """
    keys = Keys(prefix)
    shard, online = keys.shards[0], keys.online
    names = {kind: getattr(shard, kind) for kind in ("sessions", "records", "ended", "audit", "readers")}
    names |= {kind: getattr(shard, kind) for kind in ("lease", "workers", "canary", "layouts")}
    globs = {kind: escape_glob(name) for kind, name in names.items()}
    globs |= {"session": shard.session_pattern, "users": shard.users_pattern, "job": escape_glob(shard.job("")) + "*"}
    globs = {kind: glob.replace(":{0}:", ":{*}:") for kind, glob in globs.items()}
    kinds = ("members", "hidden", "hiding", "names", "left", "state", "history")
    globs |= {kind: escape_glob(getattr(online, kind)) for kind in kinds}
    # The key itself, its mark and its sketches.
    return globs | {"guests": escape_glob(online.guests.seen) + "*", "bots": escape_glob(online.bots.seen) + "*"}


def channels(prefix: str, database: int) -> Iterator[str]:
    """Return the patterns that the worker subscribes to: Redis wants them granted word for word."""
    keys = Keys(prefix)
    for pattern in (keys.session_pattern, keys.canary_pattern):
        yield f"__keyspace@{database}__:{pattern}"
