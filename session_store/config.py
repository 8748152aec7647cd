"""Which Redis, under which names: what all three sides must agree on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import urlsplit

from .address import Address, parse_address
from .errors import ConfigurationError
from .keys import MAX_SHARDS
from .secret import Secret

N = TypeVar("N", int, float)


@dataclass(frozen=True)
class Config:
    """Where the sessions are.

    Attributes:
        redis_url: ``redis://``, ``rediss://`` or ``unix://``; may hold a password and is never shown.
        redis_password_file: the file that holds the password, where the URL does not; read for each new connection.
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
    redis_password_file: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "redis_url", Secret(self.redis_url))
        parse_address(self.redis_url, self.redis_password_file)
        if not self.redis_prefix or not self.redis_prefix.isprintable() or set(self.redis_prefix) & set("{} "):
            raise ConfigurationError("WIKI_REDIS_PREFIX", "must be printable, not empty, and without spaces or braces")
        if not 1 <= self.redis_shards <= MAX_SHARDS:
            raise ConfigurationError("WIKI_REDIS_SHARDS", f"must be from 1 to {MAX_SHARDS}")
        if not 0 < self.redis_timeout <= 60:
            raise ConfigurationError("WIKI_REDIS_TIMEOUT", "must be a number of seconds, above 0 and at most 60")

    @property
    def address(self) -> Address:
        """What the URL says, taken apart."""
        return parse_address(self.redis_url, self.redis_password_file)

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Config:
        """Read the ``WIKI_REDIS_…`` variables; what is absent or empty keeps its default."""
        return cls(
            redis_url=environ.get("WIKI_REDIS_URL") or cls.redis_url,
            redis_prefix=environ.get("WIKI_REDIS_PREFIX") or cls.redis_prefix,
            redis_shards=number(environ, "WIKI_REDIS_SHARDS", int, cls.redis_shards),
            redis_timeout=number(environ, "WIKI_REDIS_TIMEOUT", float, cls.redis_timeout),
            redis_password_file=environ.get("WIKI_REDIS_PASSWORD_FILE") or "",
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
