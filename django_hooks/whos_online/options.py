"""The ``WHOS_ONLINE_…`` settings: read once, and anew when a test changes one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

from django.conf import settings
from django.core.signals import setting_changed

from session_store import ConfigurationError

from ..conf import LONGEST, WHOS_ONLINE, conf, read_test

T = TypeVar("T")


@dataclass(frozen=True)
class Options:
    """What the site wants.

    Attributes:
        enabled: whether anything is done at all.
        window: ms for which a visitor counts after being seen.
        interval: seconds between two writes for a visitor, in each process.
        cache: seconds for which a process shows what it has read; 0: it reads for each page.
        members_only: whether names are shown to members alone.
        profile_url: what makes a member's link: a callable that takes a `Member`, or the name of a URL pattern;
            None: there are no links.
        hides: says of a user whether they hide; None: only what `hide_user` was told counts.
    """

    enabled: bool
    window: int
    interval: float
    cache: float
    members_only: bool
    profile_url: Callable[[Any], str] | str | None
    hides: Callable[[Any], bool] | None


def max_age() -> int:
    """``WHOS_ONLINE_MAX_AGE``, in ms."""
    return int(_seconds("WHOS_ONLINE_MAX_AGE", 900.0, least=1.0) * 1000)


def interval() -> float:
    """``WHOS_ONLINE_INTERVAL``, in seconds."""
    return _seconds("WHOS_ONLINE_INTERVAL", 60.0, least=0.0)


def cache_for() -> float:
    """``WHOS_ONLINE_CACHE``, in seconds."""
    return _seconds("WHOS_ONLINE_CACHE", 0.0, least=0.0)


def members_only() -> bool:
    """``WHOS_ONLINE_MEMBERS_ONLY``."""
    return _get("WHOS_ONLINE_MEMBERS_ONLY", bool, False)


def profile_url() -> Callable[[Any], str] | str | None:
    """``WHOS_ONLINE_PROFILE_URL``."""
    value = getattr(settings, "WHOS_ONLINE_PROFILE_URL", None) or None
    if value is None or isinstance(value, str) or callable(value):
        return value
    raise ConfigurationError("WHOS_ONLINE_PROFILE_URL", f"must be a callable or the name of a URL, not {value!r}")


def hides() -> Callable[[Any], bool] | None:
    """``WHOS_ONLINE_HIDDEN``."""
    return read_test("WHOS_ONLINE_HIDDEN")


#: Every setting's reader.
READERS: tuple[Callable[[], Any], ...] = (max_age, interval, cache_for, members_only, profile_url, hides)


@cache
def options() -> Options:
    """Return the settings.

    Raises:
        ConfigurationError: one can't be used.
    """
    return Options(
        enabled=conf.enabled,
        window=max_age(),
        interval=interval(),
        cache=cache_for(),
        members_only=members_only(),
        profile_url=profile_url(),
        hides=hides(),
    )


@cache
def is_installed() -> bool:
    """Whether the middleware is among the site's; else nobody is counted, whatever the settings say."""
    return WHOS_ONLINE in settings.MIDDLEWARE


def problems() -> list[str]:
    """Return what is wrong with the settings, one line each."""
    found = []
    for read in READERS:
        try:
            read()
        except ConfigurationError as error:
            found.append(str(error))
    return found


def _reread(**_: Any) -> None:
    options.cache_clear()
    is_installed.cache_clear()


setting_changed.connect(_reread, dispatch_uid="django_hooks.whos_online.reread")


def _get(name: str, kind: type[T], default: T) -> T:
    value = getattr(settings, name, None)
    if value is None:
        return default
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise ConfigurationError(name, f"must be of type {kind.__name__}, not {value!r}")
    return value


def _seconds(name: str, default: float, *, least: float) -> float:
    value = getattr(settings, name, None)
    number = float(value) if isinstance(value, int) and not isinstance(value, bool) else _get(name, float, default)
    if not least <= number <= LONGEST:
        raise ConfigurationError(name, f"must be a number of seconds from {least:g} to {LONGEST}, not {value!r}")
    return number
