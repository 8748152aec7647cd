"""Everything the kernel raises on purpose."""

from __future__ import annotations


class SessionStoreError(Exception):
    """The root of this package's errors."""


class ConfigurationError(SessionStoreError, ValueError):
    """A setting can't be used.

    Attributes:
        setting: the setting's name as people type it, e.g. ``WIKI_REDIS_URL``.
    """

    def __init__(self, setting: str, problem: str) -> None:
        super().__init__(f"{setting} {problem}")
        self.setting = setting


class StoreUnavailable(SessionStoreError):  # noqa: N818 - a state, not a mistake; the name is what callers handle
    """Redis could not be reached in time, or refused the command; nothing is known about the session.

    Attributes:
        server: host and port, without credentials.
        problem: what is wrong.
        remedy: what to do about it, where that is known; else empty.
        lost: whether anybody who asks that server meets the same, whatever is asked: it can't be reached, or lets
            nobody in.
    """

    def __init__(self, server: str, problem: str, *, remedy: str = "", lost: bool = False) -> None:
        super().__init__(f"Redis at {server}: {problem}" + (f"; {remedy}" if remedy else ""))
        self.server = server
        self.problem = problem
        self.remedy = remedy
        self.lost = lost


class BadRecord(SessionStoreError, ValueError):  # noqa: N818 - reads as what it is
    """A record or a stream entry in Redis doesn't parse.

    Attributes:
        where: the key, and the field in it, that hold it.
    """

    def __init__(self, where: str, problem: str) -> None:
        super().__init__(f"{where}: {problem}")
        self.where = where
