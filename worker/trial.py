"""Which rights are missing: asked of Redis without doing anything, by ACL DRYRUN, or else by a MULTI without end."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Self

import redis
from redis.exceptions import NoPermissionError, ResponseError

from .acl import selector
from .rights import ALL, CLUSTER, EVERYBODY, WORKER, Rights, channels, patterns


def _each(commands: str, *arguments: str) -> dict[str, tuple[str, ...]]:
    return dict.fromkeys(commands.split(), arguments)


#: What a command takes after its key, for a trial: as little as it accepts.
ARGUMENTS = {
    **_each("del exists get hgetall hvals mget pfadd pfcount pttl scard smembers type xlen zcard"),
    **_each("hdel hexists hget hmget sadd sismember srem zmscore zrem zrevrank zscore", "x"),
    **_each("hscan sscan zscan pexpire pexpireat set", "1"),
    **_each("hset hsetnx", "x", "1"),
    **_each("zadd zcount zrange zrangebyscore zremrangebyscore zrevrange zrevrangebyscore", "1", "1"),
    "xadd": ("*", "x", "1"),
    "xrange": ("-", "+"),
    "xrevrange": ("+", "-"),
    "xtrim": ("MAXLEN", "1"),
}

#: The same for commands that take no key, or don't begin with it.
WHOLE = {
    "time": ("TIME",),
    "ping": ("PING",),
    "info": ("INFO",),
    "scan": ("SCAN", "0"),
    "cluster|slots": ("CLUSTER", "SLOTS"),
    "command": ("COMMAND",),
    "asking": ("ASKING",),
    "acl|whoami": ("ACL", "WHOAMI"),
    "acl|dryrun": ("ACL", "DRYRUN", "default", "PING"),
}

#: Says whether a user may do something: words of a command → True, or False.
Ask = Callable[..., bool]


def who_am_i(server: redis.Redis, *, otherwise: str) -> str:
    """Return the name of the ACL user that a client is; `otherwise` where that is not told."""
    try:
        answer = server.execute_command("ACL WHOAMI")
    except ResponseError:
        return otherwise or "default"
    return answer.decode() if isinstance(answer, bytes) else str(answer)


def missing_rights(
    server: redis.Redis, me: str, prefix: str, database: int, *, cluster: bool = False
) -> dict[str, list[str]]:
    """Return what each user whose rights can be seen lacks, as rules to add; nothing for one that lacks nothing.

    Args:
        server: a client.
        me: the user that it is.
        prefix: what the keys begin with.
        database: the number of the database.
        cluster: whether the server is a node of a cluster.

    Raises:
        redis.RedisError: Redis did not answer.
    """
    found: dict[str, list[str]] = {}
    named = {rights.user: rights for rights in ALL}
    for user, rights in ({me: WORKER} | named).items():
        ask = _dry_run(server, user)
        if ask is not None:
            found[user] = list(_lacks(rights, ask, prefix, database, selectors=True, cluster=cluster))
    if me not in found:
        with _Transaction(server) as transaction:
            if transaction.begun:
                rights = named.get(me, WORKER)
                may = transaction.may
                found[me] = list(_lacks(rights, may, prefix, database, selectors=False, cluster=cluster))
    return found


def default_may_write(server: redis.Redis, prefix: str) -> bool:
    """Whether the default user may write the audit stream, off or not; True where that is not told."""
    ask = _dry_run(server, "default")
    return ask is None or ask("XADD", _sample(patterns(prefix)["audit"]), *ARGUMENTS["xadd"])


def _lacks(rights: Rights, ask: Ask, prefix: str, database: int, *, selectors: bool, cluster: bool) -> Iterator[str]:
    wanted = f"{EVERYBODY} {CLUSTER if cluster else ''} {rights.commands}"
    keyless = [one for one in wanted.split() if one in WHOLE]
    missing = [one for one in keyless if not ask(*WHOLE[one]) and (selectors or one != "acl|dryrun")]
    missing += ["select"] if database and not ask("SELECT", str(database)) else []
    if missing:
        yield " ".join(f"+{one}" for one in missing)
    for channel in channels(prefix, database) if rights.listens else ():
        if not ask("PSUBSCRIBE", channel):
            yield f"+psubscribe &{channel}"
    for kind, glob in patterns(prefix).items():
        commands = rights.keys.get(kind, "").split()
        yield from _lacks_of_key(commands, glob, ask, selectors=selectors) if commands else ()


def _lacks_of_key(commands: list[str], glob: str, ask: Ask, *, selectors: bool) -> Iterator[str]:
    key = _sample(glob)
    for script in ("EVAL", "EVALSHA"):
        if not ask(script, "", "1", key):
            yield f"+{script.lower()} ~{glob}"
    missing = [one for one in commands if not ask(*_words(one, key))]
    if missing and selectors:
        yield selector(missing, glob)
    elif missing:
        yield " ".join([*(f"+{one}" for one in missing), f"~{glob}"])


def _words(command: str, key: str) -> tuple[str, ...]:
    if command == "xread":
        return ("XREAD", "STREAMS", key, "0")
    return (command.upper(), key, *ARGUMENTS[command])


def _sample(glob: str) -> str:
    """Return a key that a glob of ours matches."""
    name = glob.replace(":{*}:", ":{0}:")
    return re.sub(r"\\(.)", r"\1", name[:-1] + "x" if name.endswith("*") else name)


def _dry_run(server: redis.Redis, user: str) -> Ask | None:
    """Return what asks Redis 7 about a user; None where it can't, or there is no such user."""

    def ask(*words: str) -> bool:
        answer = server.execute_command("ACL DRYRUN", user, *words)
        return answer in {b"OK", "OK"}

    try:
        ask("PING")
    except ResponseError:
        return None
    return ask


class _Transaction:
    """A transaction that is never carried out: what may not be done is refused as it is queued."""

    def __init__(self, server: redis.Redis) -> None:
        self._pool = server.connection_pool
        self._connection: Any = self._pool.get_connection()
        # Nothing but this answer means that nothing is carried out from here on.
        self.begun = self._send("MULTI") in {b"OK", "OK"}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # Then Redis forgets what was queued.
        self._connection.disconnect()
        self._pool.release(self._connection)

    def may(self, *words: str) -> bool:
        """Whether a command is queued."""
        return not isinstance(self._send(*words), NoPermissionError)

    def _send(self, *words: str) -> Any:
        try:
            self._connection.send_command(*words)
            return self._connection.read_response()
        except ResponseError as error:
            return error  # it may be refused for its words alone
