"""What a Redis URL says, taken apart in one place: where to connect to, as whom, and how the server proves itself."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any
from urllib.parse import unquote, urlencode

import redis
from redis.connection import parse_url

from . import tls
from .credentials import Credentials, read_password
from .errors import ConfigurationError
from .secret import Secret
from .url import Host, Url, split_url

#: What may stand after the URL's ``?``. redis-py knows more, some of which would change the answers that are read here.
OPTIONS = ("db", "protocol", "username", "password", "client_name", "socket_keepalive", "health_check_interval")

#: What may stand there beside it where Sentinels are asked.
SENTINEL_OPTIONS = ("sentinel_username", "sentinel_password")

_URL = "WIKI_REDIS_URL"


class Kind(StrEnum):
    """How many servers there are, and how the one that is wanted is found."""

    SERVER = "server"
    SENTINEL = "sentinel"
    CLUSTER = "cluster"


@dataclass(frozen=True)
class Address:
    """Where a Redis is.

    Attributes:
        url: a URL for redis-py of one of the hosts, without user and password.
        name: what messages may show: host and port, or the socket's path.
        database: its number.
        user: the ACL user; empty: the default one.
        credentials: what a new connection says it is; None: nothing.
        local: whether what travels stays on this machine.
        encrypted: whether it is encrypted.
        checked: whether the server must prove, by its certificate, that it is the host that the URL names.
        kind: what is at the hosts.
        hosts: the server, the Sentinels, or some nodes of the cluster.
        service: what the Sentinels call the server that is wanted.
        sentinel_credentials: what a new connection to a Sentinel says it is; None: nothing.
    """

    url: str
    name: str
    database: int
    user: str
    credentials: Credentials | None
    local: bool
    encrypted: bool
    checked: bool
    kind: Kind = Kind.SERVER
    hosts: tuple[Host, ...] = ()
    service: str = ""
    sentinel_credentials: Credentials | None = None

    @property
    def connection_options(self) -> dict[str, Any]:
        """What the URL says of every connection, as redis-py's clients take it; without host and port."""
        words = parse_url(self.url)
        options = {
            name: value for name, value in words.items() if name not in {"host", "port", "db", "connection_class"}
        }
        return options | ({"ssl": True} if self.encrypted else {})


@lru_cache(maxsize=64)
def parse_address(url: str, password_file: str = "") -> Address:
    """Take a URL apart, and look whether the files that it needs can be used.

    Args:
        url: as people type it.
        password_file: where the password is, if it is not in the URL.

    Raises:
        ConfigurationError: it can't be used.
    """
    parts = split_url(url)
    kind = Kind(parts.kind or Kind.SERVER)
    options = _options(parts, kind)
    named, given = options.pop("username", ""), options.pop("password", "")
    user, password = unquote(parts.user) or named, Secret(unquote(parts.password) or given)
    if password_file:
        if password:
            raise ConfigurationError(_URL, "holds a password, and WIKI_REDIS_PASSWORD_FILE another; remove one of them")
        read_password(password_file)
    guard_user, guard_password = options.pop("sentinel_username", ""), Secret(options.pop("sentinel_password", ""))
    if parts.encrypted:
        options = tls.prepare_tls(options)
    service, path = _service_and_path(parts, kind)
    bare = _bare_url(parts, path, options)
    database = _database(bare)
    if kind is Kind.CLUSTER and database:
        raise ConfigurationError(_URL, "names a database; a cluster is used with its database 0 alone")
    return Address(
        url=bare,
        name=_name(parts, kind, service),
        database=database,
        user=user,
        credentials=Credentials(user, password, password_file) if user or password or password_file else None,
        local=all(host.local for host in parts.hosts),
        encrypted=parts.encrypted,
        checked=parts.encrypted and tls.is_checked(options),
        kind=kind,
        hosts=parts.hosts,
        service=service,
        sentinel_credentials=Credentials(guard_user, guard_password) if guard_user or guard_password else None,
    )


def server_name(url: str) -> str:
    """Return what messages may show of a URL: where the server is, without credentials.

    Raises:
        ConfigurationError: it is no URL of a Redis.
    """
    parts = split_url(url)
    kind = Kind(parts.kind or Kind.SERVER)
    return _name(parts, kind, _service_and_path(parts, kind)[0])


def _options(parts: Url, kind: Kind) -> dict[str, str]:
    """Return what stands after the ``?``."""
    known = OPTIONS + (tls.OPTIONS if parts.encrypted else ()) + (SENTINEL_OPTIONS if kind is Kind.SENTINEL else ())
    for name in parts.options.keys() - set(known):
        if name in tls.OPTIONS:
            raise ConfigurationError(_URL, f"has {name} after its ?, which is for rediss:// alone")
        raise ConfigurationError(_URL, f"has an option after its ? that is none of {', '.join(known)}")
    return dict(parts.options)


def _service_and_path(parts: Url, kind: Kind) -> tuple[str, str]:
    """Return what the Sentinels call the server, and the path that is left: a database's number, or a socket."""
    if not parts.hosts:
        return "", parts.path
    words = [unquote(word) for word in parts.path.split("/") if word]
    service = words.pop(0) if kind is Kind.SENTINEL and words else ""
    if kind is Kind.SENTINEL and not service:
        example = "redis+sentinel://host:26379,host2:26379/mymaster/0"
        raise ConfigurationError(_URL, f"must name the service that the Sentinels watch, as in {example}")
    if kind is Kind.CLUSTER and words not in ([], ["0"]):
        raise ConfigurationError(_URL, "names a database; a cluster is used with its database 0 alone")
    if len(words) > 1 or not all(word.isdigit() and word.isascii() for word in words):
        raise ConfigurationError(_URL, "must end in the database's number, as in redis://localhost:6379/0")
    return service, f"/{words[0]}" if words else ""


def _name(parts: Url, kind: Kind, service: str) -> str:
    places = ",".join(map(str, parts.hosts)) or parts.path
    if kind is Kind.SENTINEL:
        return f"{service} (by the Sentinels {places})"
    return f"cluster {places}" if kind is Kind.CLUSTER else places


def _bare_url(parts: Url, path: str, options: dict[str, str]) -> str:
    query = f"?{urlencode(options)}" if options else ""
    scheme = "unix" if not parts.hosts else "rediss" if parts.encrypted else "redis"
    return f"{scheme}://{parts.hosts[0] if parts.hosts else ''}{path}{query}"


def _database(url: str) -> int:
    try:
        pool = redis.ConnectionPool.from_url(url)
        pool.make_connection()  # makes an object, and connects to nothing
    except (TypeError, ValueError, redis.RedisError):
        raise ConfigurationError(_URL, "has an option after its ? whose value redis-py doesn't take") from None
    return int(pool.connection_kwargs.get("db") or 0)
