"""The ACL users in Redis' own words, for any prefix and database: ``wiki-worker users`` prints them."""

from __future__ import annotations

from collections.abc import Iterator

from .rights import ALL, CLUSTER, EVERYBODY, READING, Rights, channels, patterns

#: What a user's password is until the operator has set one: none at all, and nobody can log in as that user.
UNSET = "off resetpass"

#: The default user in a file of one's own: nobody can be it. It keeps all rights all the same: Redis 7.0 replays with
#: them the transactions of its append-only file, such as what scripts have written, and else loses those at a restart.
DEFAULT = "user default off resetpass ~* &* +@all"


def lines(prefix: str, database: int = 0, *, selectors: bool = True, cluster: bool = False) -> Iterator[str]:
    """Return the three users as a file for ``aclfile`` has them; none can log in before it is given a password.

    Args:
        prefix: what the site's keys begin with.
        database: the number in ``WIKI_REDIS_URL``.
        selectors: whether the server knows them, as Redis 7 and Valkey do; without them all commands are for all keys.
        cluster: whether it is a node of a cluster; each node needs the users, replicas too.
    """
    for rights in ALL:
        words = with_selectors if selectors else without_selectors
        start = f"user {rights.user} {UNSET} resetkeys resetchannels -@all"
        yield " ".join([start, *([_granted(CLUSTER)] if cluster else []), *words(rights, prefix, database)])


def with_selectors(rights: Rights, prefix: str, database: int) -> Iterator[str]:
    """Return a user's rules for a server with selectors: each kind of key has commands of its own."""
    globs = patterns(prefix)
    yield _granted(f"{EVERYBODY} {rights.commands}")
    if database:
        yield "+select"
    # Scripts are told of every key that they may use.
    yield from (f"~{globs[kind]}" for kind in rights.keys)
    if rights.listens:
        yield from (f"&{channel}" for channel in channels(prefix, database))
    for kind, commands in rights.keys.items():
        yield selector(commands.split(), globs[kind])


def selector(commands: list[str], glob: str) -> str:
    """Return a selector: some commands for some keys."""
    sign = "%R~" if set(commands) <= READING else "~"
    return f"({_granted(' '.join(commands))} {sign}{glob})"


def without_selectors(rights: Rights, prefix: str, database: int) -> Iterator[str]:
    """Return a user's rules for Redis 6.2: every command for every one of its keys."""
    globs = patterns(prefix)
    words = dict.fromkeys(f"{EVERYBODY} {rights.commands} {' '.join(rights.keys.values())}".split())
    # The trial by which `check` finds out what is missing; later servers have ACL DRYRUN.
    words = dict.fromkeys("multi" if word == "acl|dryrun" else word for word in words)
    yield _granted(" ".join(words))
    if database:
        yield "+select"
    yield from (f"~{globs[kind]}" for kind in rights.keys)
    if rights.listens:
        yield from (f"&{channel}" for channel in channels(prefix, database))


def _granted(commands: str) -> str:
    return " ".join(f"+{command}" for command in commands.split())
