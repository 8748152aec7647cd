"""A Redis URL as text: scheme, hosts, path and options. What they mean is said in `address`."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

from .errors import ConfigurationError

#: How URLs begin: one server, a server that Sentinels know, and a cluster.
SCHEMES = (
    "redis",
    "rediss",
    "unix",
    "redis+sentinel",
    "rediss+sentinel",
    "redis+cluster",
    "rediss+cluster",
)

#: The ports of a server and of a Sentinel where a URL names none.
PORT = 6379
SENTINEL_PORT = 26379

#: Hosts of a URL at most: each of them may be waited for.
MOST_HOSTS = 32

_URL = "WIKI_REDIS_URL"

#: What is said where user or password may have been taken for something else; nothing of the URL may be shown then.
_ESCAPES = "in a user's name or password write / as %2F, ? as %3F, # as %23, and @ as %40"


@dataclass(frozen=True)
class Host:
    """A host and its port."""

    name: str
    port: int

    def __str__(self) -> str:
        return f"[{self.name}]:{self.port}" if ":" in self.name else f"{self.name}:{self.port}"

    @property
    def local(self) -> bool:
        """Whether it is this machine."""
        return self.name in {"localhost", "::1"} or self.name.startswith("127.")


@dataclass(frozen=True)
class Url:
    """A URL's pieces, as they stand.

    Attributes:
        kind: ``sentinel``, ``cluster`` or empty.
        encrypted: whether it is a ``rediss`` one.
        hosts: none for a socket.
        path: a socket, or what follows the hosts.
        options: what follows the ``?``.
    """

    kind: str
    encrypted: bool
    hosts: tuple[Host, ...]
    path: str
    user: str = field(repr=False)
    password: str = field(repr=False)
    options: dict[str, str] = field(repr=False)


def split_url(url: str) -> Url:
    """Take a URL to pieces.

    Raises:
        ConfigurationError: it is none that begins with one of `SCHEMES`.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        raise _no_url() from None
    if parts.scheme not in SCHEMES:
        wanted = ", ".join(f"{scheme}://" for scheme in SCHEMES)
        raise ConfigurationError(_URL, f"must begin with one of {wanted}")
    base, _, kind = parts.scheme.partition("+")
    if parts.fragment or (base != "unix" and "@" in parts.path):
        raise ConfigurationError(_URL, f"has an @ or a # behind its hosts; {_ESCAPES}")
    if any("=" not in option for option in parts.query.split("&") if option):
        raise ConfigurationError(_URL, f"has an option after its ? that has no value; {_ESCAPES}")
    who, _, places = parts.netloc.rpartition("@")
    if kind and "," in who.partition("@")[2]:
        raise ConfigurationError(_URL, f"has more than one @: it names user and password once, for all; {_ESCAPES}")
    user, _, password = who.partition(":")
    if base == "unix" and (not parts.path or places):
        raise ConfigurationError(_URL, "names no socket; an example: unix:///run/redis/redis.sock")
    hosts = () if base == "unix" else _hosts(places, kind)
    options = dict(reversed(parse_qsl(parts.query)))  # of several the first counts
    return Url(kind, base == "rediss", hosts, parts.path, user, password, options)


def _hosts(places: str, kind: str) -> tuple[Host, ...]:
    port = SENTINEL_PORT if kind == "sentinel" else PORT
    texts = places.split(",") if kind else [places]
    if len(texts) > MOST_HOSTS:
        raise ConfigurationError(_URL, f"names {len(texts)} hosts; {MOST_HOSTS} are enough to find the others by")
    if kind and not all(texts):
        raise ConfigurationError(_URL, f"names no host; an example: redis+{kind}://host1:{port},host2:{port}/…")
    return tuple(dict.fromkeys(_host(text, port) for text in texts))


def _host(text: str, port: int) -> Host:
    if "," in text:
        several = "redis+sentinel://host1,host2/mymaster/0 or redis+cluster://host1,host2"
        raise ConfigurationError(_URL, f"names several hosts, as is for Sentinels and clusters alone: {several}")
    try:
        parts = urlsplit(f"//{text}")
        host = Host(parts.hostname or "localhost", port if parts.port is None else parts.port)
    except ValueError:
        raise _no_port() from None
    if parts.netloc != text or not host.port or any(map(str.isspace, text)):
        raise _no_port()
    return host


def _no_port() -> ConfigurationError:
    return ConfigurationError(_URL, f"has a host or a port that is none; an IPv6 address is [::1]:6379; {_ESCAPES}")


def _no_url() -> ConfigurationError:
    return ConfigurationError(_URL, "is not a URL; an example: redis://localhost:6379/0")
