"""The worker's settings, read once from its environment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from session_store import Config, ConfigurationError

_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off"}


@dataclass(frozen=True)
class WorkerConfig:
    """What the worker is told.

    Attributes:
        store: which Redis, under which names.
        audit_log: the file of JSON lines, relative to the worker's directory.
        set_flags: whether it may set ``notify-keyspace-events``.
        http: host and port of the health page; None: there is none.
    """

    store: Config
    audit_log: Path = Path("audit.jsonl")
    set_flags: bool = True
    http: tuple[str, int] | None = ("127.0.0.1", 9110)

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> WorkerConfig:
        """Read the ``WIKI_…`` variables; what is absent or empty keeps its default.

        Raises:
            ConfigurationError: a value can't be used.
        """
        return cls(
            store=Config.from_env(environ),
            audit_log=Path(environ.get("WIKI_AUDIT_LOG") or cls.audit_log),
            set_flags=_truth(environ, "WIKI_SET_FLAGS", default=cls.set_flags),
            http=_address(environ, "WIKI_WORKER_HTTP", default=cls.http),
        )


def _address(environ: Mapping[str, str], name: str, *, default: tuple[str, int] | None) -> tuple[str, int] | None:
    text = environ.get(name)
    if text is None:
        return default
    if not text:
        return None
    host, _, port = text.rpartition(":")
    if not host or not re.fullmatch("[0-9]{1,5}", port) or int(port) > 65535:
        raise ConfigurationError(name, f"must be host:port, as in 127.0.0.1:9110, or empty, not {text!r}")
    return host.strip("[]"), int(port)


def _truth(environ: Mapping[str, str], name: str, *, default: bool) -> bool:
    text = environ.get(name, "").lower()
    if not text:
        return default
    if text not in _TRUE | _FALSE:
        raise ConfigurationError(name, f"must be true or false, not {text!r}")
    return text in _TRUE
