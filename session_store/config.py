"""Which Redis, under which names: what all three sides must agree on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import urlsplit

import redis

from .errors import ConfigurationError

N = TypeVar("N", int, float)

#: Schemes that `redis.Redis.from_url` understands.
SCHEMES = ("redis", "rediss", "unix")

#: A shard's number is part of every token; four digits keep tokens short.
MAX_SHARDS = 10_000


@dataclass(frozen=True)
class Config:
    """Where the sessions are.

    Attributes:
        redis_url: ``redis://``, ``rediss://`` or ``unix://``; may hold a password and is never shown.
        redis_prefix: what every key begins with.
        redis_shards: over how many hash tags users are spread.
        redis_timeout: seconds, for connecting and for each answer.

    Raises:
        ConfigurationError: a value can't be used.
    """

    redis_url: str = field(default="redis://localhost:6379/0", repr=False)
    redis_prefix: str = "sso"
    redis_shards: int = 1
    redis_timeout: float = 0.5

    def __post_init__(self) -> None:
        _check_url(self.redis_url)
        if not self.redis_prefix or not self.redis_prefix.isprintable() or set(self.redis_prefix) & set("{} "):
            raise ConfigurationError("WIKI_REDIS_PREFIX", "must be printable, not empty, and without spaces or braces")
        if not 1 <= self.redis_shards <= MAX_SHARDS:
            raise ConfigurationError("WIKI_REDIS_SHARDS", f"must be from 1 to {MAX_SHARDS}")
        if not 0 < self.redis_timeout <= 60:
            raise ConfigurationError("WIKI_REDIS_TIMEOUT", "must be a number of seconds, above 0 and at most 60")

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Config:
        """Read the ``WIKI_REDIS_…`` variables; what is absent or empty keeps its default."""
        return cls(
            redis_url=environ.get("WIKI_REDIS_URL") or cls.redis_url,
            redis_prefix=environ.get("WIKI_REDIS_PREFIX") or cls.redis_prefix,
            redis_shards=number(environ, "WIKI_REDIS_SHARDS", int, cls.redis_shards),
            redis_timeout=number(environ, "WIKI_REDIS_TIMEOUT", float, cls.redis_timeout),
        )


def number(environ: Mapping[str, str], name: str, kind: type[N], default: N) -> N:
    """Return the variable as a number, or the default where it is absent or empty."""
    text = environ.get(name)
    if not text:
        return default
    try:
        return kind(text)
    except ValueError:
        raise ConfigurationError(name, f"must be a number, not {text!r}") from None


def page_root(name: str, url: str) -> str:
    """Return where a program's pages are, with a slash at its end; what is empty stays so.

    Args:
        name: the setting.
        url: what it says.

    Raises:
        ConfigurationError: that is no address of pages.
    """
    if not url:
        return ""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or not url.isascii() or not url.isprintable() or set(url) & set("@?#\\ "):
        raise ConfigurationError(name, f"must be like https://wiki.example.org/, not {url!r}")
    return f"{parts.scheme}://{parts.netloc.lower()}{parts.path.rstrip('/')}/"


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise ConfigurationError("WIKI_REDIS_URL", "is not a URL; an example: redis://localhost:6379/0") from None
    if parts.scheme not in SCHEMES:
        wanted = ", ".join(f"{scheme}://" for scheme in SCHEMES)
        raise ConfigurationError("WIKI_REDIS_URL", f"must begin with one of {wanted}")
    if parts.scheme == "unix" and not parts.path:
        raise ConfigurationError("WIKI_REDIS_URL", "names no socket; an example: unix:///run/redis/redis.sock")
    if parts.scheme != "unix" and parts.path.strip("/") and not parts.path.strip("/").isdigit():
        raise ConfigurationError("WIKI_REDIS_URL", "must end in the database's number, as in redis://localhost:6379/0")
    try:
        redis.ConnectionPool.from_url(url).make_connection()  # makes an object, and connects to nothing
    except (TypeError, ValueError):
        raise ConfigurationError("WIKI_REDIS_URL", "has an option after its ? that redis-py doesn't take") from None
