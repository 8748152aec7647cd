"""What a Redis URL says, taken apart in one place: where to connect to, as whom, and how the server proves itself."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import SplitResult, parse_qs, unquote, urlencode, urlsplit

import redis

from . import tls
from .credentials import Credentials, read_password
from .errors import ConfigurationError
from .secret import Secret

#: Schemes that `redis.Redis.from_url` understands.
SCHEMES = ("redis", "rediss", "unix")

#: What may stand after the URL's ``?``. redis-py knows more, some of which would change the answers that are read here.
OPTIONS = ("db", "protocol", "username", "password", "client_name", "socket_keepalive", "health_check_interval")

_URL = "WIKI_REDIS_URL"


@dataclass(frozen=True)
class Address:
    """Where a Redis is.

    Attributes:
        url: the URL as redis-py is given it, without user and password.
        name: what messages may show: host and port, or the socket's path.
        database: its number.
        user: the ACL user; empty: the default one.
        credentials: what a new connection says it is; None: nothing.
        local: whether what travels stays on this machine.
        encrypted: whether it is encrypted.
        checked: whether the server must prove, by its certificate, that it is the host that the URL names.
    """

    url: str
    name: str
    database: int
    user: str
    credentials: Credentials | None
    local: bool
    encrypted: bool
    checked: bool


@lru_cache(maxsize=64)
def parse_address(url: str, password_file: str = "") -> Address:
    """Take a URL apart, and look whether the files that it needs can be used.

    Args:
        url: as people type it.
        password_file: where the password is, if it is not in the URL.

    Raises:
        ConfigurationError: it can't be used.
    """
    parts = _split(url)
    options = _options(parts)
    user = unquote(parts.username or "") or options.get("username", "")
    password = Secret(unquote(parts.password or "") or options.get("password", ""))
    if password_file:
        if password:
            raise ConfigurationError(_URL, "holds a password, and WIKI_REDIS_PASSWORD_FILE another; remove one of them")
        read_password(password_file)
    if parts.scheme == "rediss":
        options = tls.prepare_tls(options)
    bare = _bare_url(parts, {name: text for name, text in options.items() if name not in {"username", "password"}})
    host = parts.hostname or "localhost"
    return Address(
        url=bare,
        name=server_name(url),
        database=_database(bare),
        user=user,
        credentials=Credentials(user, password, password_file) if user or password or password_file else None,
        local=parts.scheme == "unix" or host in {"localhost", "::1"} or host.startswith("127."),
        encrypted=parts.scheme == "rediss",
        checked=parts.scheme == "rediss" and tls.is_checked(options),
    )


def server_name(url: str) -> str:
    """Return what messages may show of a URL: where the server is, without credentials."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return parts.path
    return f"{parts.hostname or 'localhost'}:{parts.port or 6379}"


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise ConfigurationError(_URL, "is not a URL; an example: redis://localhost:6379/0") from None
    if parts.scheme not in SCHEMES:
        wanted = ", ".join(f"{scheme}://" for scheme in SCHEMES)
        raise ConfigurationError(_URL, f"must begin with one of {wanted}")
    if parts.scheme == "unix" and (not parts.path or parts.hostname):
        raise ConfigurationError(_URL, "names no socket; an example: unix:///run/redis/redis.sock")
    if parts.scheme != "unix" and parts.path.strip("/") and not parts.path.strip("/").isdigit():
        raise ConfigurationError(_URL, "must end in the database's number, as in redis://localhost:6379/0")
    return parts


def _options(parts: SplitResult) -> dict[str, str]:
    """Return what stands after the ``?``."""
    known = OPTIONS + (tls.OPTIONS if parts.scheme == "rediss" else ())
    options = {name: values[0] for name, values in parse_qs(parts.query).items()}
    for name in options.keys() - set(known):
        if name in tls.OPTIONS:
            raise ConfigurationError(_URL, f"has {name} after its ?, which is for rediss:// alone")
        raise ConfigurationError(_URL, f"has an option after its ? that is none of {', '.join(known)}")
    return options


def _bare_url(parts: SplitResult, options: dict[str, str]) -> str:
    place = "" if parts.scheme == "unix" else parts.netloc.rpartition("@")[2]
    query = f"?{urlencode(options)}" if options else ""
    return f"{parts.scheme}://{place}{parts.path}{query}"


def _database(url: str) -> int:
    try:
        pool = redis.ConnectionPool.from_url(url)
        pool.make_connection()  # makes an object, and connects to nothing
    except (TypeError, ValueError, redis.RedisError):
        raise ConfigurationError(_URL, "has an option after its ? whose value redis-py doesn't take") from None
    return int(pool.connection_kwargs.get("db") or 0)
