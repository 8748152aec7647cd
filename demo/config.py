"""Where the demo keeps its state and on which ports it answers."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from session_store.keys import MAX_SHARDS

from .errors import DemoError
from .ports import free_port

#: Bytes that a socket's path may have on every system, less what supervisord appends while it makes the socket.
LONGEST_SOCKET = 90

#: Seconds a session lasts: time enough to look around, short enough to watch one run out.
COOKIE_AGE = 600

#: Over how many shards users are spread on the demo's own cluster: three a primary, and sally's, harry's and admin's
#: sessions are on one primary each.
CLUSTER_SHARDS = 9

#: The last port that node 1 may have: five others follow, and the nodes talk to each other at ports 10,000 above.
LAST_CLUSTER_PORT = 55530

#: Settings of the product that the person may choose; the demo sets the others itself.
CHOOSABLE = {"WIKI_REDIS_PREFIX"}


@dataclass(frozen=True)
class Config:
    """What was asked for.

    Attributes:
        var: the directory that keeps everything between runs.
        redis_url: the Redis to use; None: start one.
        cluster: whether that is a cluster of six nodes.
        cluster_port: the first one's port, which the others' follow; 0: free ones.
        shards: over how many shards users are spread.
        cookie_age: seconds a session lasts.
    """

    var: Path
    site_port: int
    wiki_port: int
    redis_port: int
    redis_url: str | None
    cluster: bool
    cluster_port: int
    shards: int
    cookie_age: int

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Config:
        """Read the ports, ``WIKI_REDIS_…`` and ``DEMO_…``."""
        cluster = environ.get("DEMO_CLUSTER") == "true"
        return cls(
            var=Path(environ.get("DEMO_VAR") or "var").absolute(),
            site_port=_number(environ, "SITE_PORT", 8000, most=65535),
            wiki_port=_number(environ, "WIKI_PORT", 8080, most=65535),
            redis_port=_number(environ, "REDIS_PORT", 0, most=65535) or free_port(),
            redis_url=environ.get("WIKI_REDIS_URL") or None,
            cluster=cluster,
            cluster_port=_number(environ, "CLUSTER_PORT", 0, most=LAST_CLUSTER_PORT),
            shards=_number(environ, "WIKI_REDIS_SHARDS", CLUSTER_SHARDS if cluster else 1, most=MAX_SHARDS),
            cookie_age=_number(environ, "DEMO_COOKIE_AGE", COOKIE_AGE, most=10**7),
        )

    def __post_init__(self) -> None:
        if self.site_port == self.wiki_port:
            raise DemoError(f"SITE_PORT and WIKI_PORT are both {self.site_port}. Choose two.")
        if self.cluster and self.redis_url:
            raise DemoError("WIKI_REDIS_URL names a Redis, and make demo-cluster starts one. Unset it, or: make demo")
        if len(os.fsencode(self.socket)) > LONGEST_SOCKET:
            raise DemoError(f"The path {self.var} is too long for a socket in it. Set DEMO_VAR to a shorter one.")

    @property
    def command(self) -> str:
        """What starts this demo, as people type it."""
        return "make demo-cluster" if self.cluster else "make demo"

    @property
    def site_url(self) -> str:
        """Where the site is."""
        return f"http://localhost:{self.site_port}/"

    @property
    def wiki_url(self) -> str:
        """Where the wiki is."""
        return f"http://localhost:{self.wiki_port}/"

    @property
    def audit_log(self) -> Path:
        """The file the worker writes."""
        return self.var / "audit.jsonl"

    @property
    def database(self) -> Path:
        """The site's database."""
        return self.var / "site.sqlite3"

    @property
    def logs(self) -> Path:
        """The directory of the programs' logs."""
        return self.var / "log"

    @property
    def socket(self) -> Path:
        """Where supervisord answers."""
        return self.var / "supervisor.sock"

    def environment(self, environ: Mapping[str, str]) -> dict[str, str]:
        """Return the environment for all programs, whatever their Redis: ours, on top of what the shell gave."""
        kept = {key: text for key, text in environ.items() if not key.startswith("WIKI_") or key in CHOOSABLE}
        return kept | {
            "DEMO_VAR": str(self.var),
            "SITE_PORT": str(self.site_port),
            "WIKI_PORT": str(self.wiki_port),
            "WIKI_REDIS_SHARDS": str(self.shards),
            "WIKI_COOKIE_AGE": str(self.cookie_age),
            "WIKI_URL": self.wiki_url,
            "WIKI_SITE_URL": f"{self.site_url}sso/",
            "WIKI_AUDIT_LOG": str(self.audit_log),
            "WIKI_WORKER_HTTP": f"127.0.0.1:{free_port()}",
            "WIKI_LOG_DIR": str(self.logs),
        }


def _number(environ: Mapping[str, str], name: str, default: int, *, most: int) -> int:
    text = environ.get(name) or str(default)
    if not text.isascii() or not text.isdigit() or int(text) > most:
        raise DemoError(f"{name} must be a whole number up to {most}, not {text!r}.")
    return int(text)
