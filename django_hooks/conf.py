"""The app's settings: lazy, typed, one property each. They are read from Django's, and never written there.

Each is read once, and again when Django says that a setting has changed, as its tests do.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cached_property
from typing import Any, TypeVar

from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from session_store import Config, ConfigurationError
from session_store.config import page_root

from .proxies import Proxies

T = TypeVar("T")

#: The middlewares, as a site's settings name them: the wiki's log-in, and who is online; each works without the other.
MIDDLEWARE = "django_hooks.middleware.WikiMiddleware"
WHOS_ONLINE = "django_hooks.middleware.WhosOnlineMiddleware"

#: Seconds in a hundred years.
LONGEST = 3_153_600_000


class Settings:
    """The ``WIKI_…`` settings, with their defaults.

    Every property raises `ConfigurationError` where its value can't be used.
    """

    @cached_property
    def enabled(self) -> bool:
        """Whether the app does anything at all."""
        return _get("WIKI_ENABLED", bool, True)

    @cached_property
    def store(self) -> Config:
        """Which Redis, under which names."""
        return Config(
            redis_url=_get("WIKI_REDIS_URL", str, Config.redis_url),
            redis_prefix=_get("WIKI_REDIS_PREFIX", str, Config.redis_prefix),
            redis_shards=_get("WIKI_REDIS_SHARDS", int, Config.redis_shards),
            redis_timeout=_number("WIKI_REDIS_TIMEOUT", Config.redis_timeout),
            redis_password_file=_get("WIKI_REDIS_PASSWORD_FILE", str, ""),
        )

    @cached_property
    def cookie_name(self) -> str:
        """The name of the wiki's cookie."""
        name = _get("WIKI_COOKIE_NAME", str, "wiki_session")
        if not re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", name):
            raise ConfigurationError("WIKI_COOKIE_NAME", f"must be letters, digits, and _ . -, not {name!r}")
        if name in {settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME}:
            raise ConfigurationError("WIKI_COOKIE_NAME", f"must not be {name!r}: that cookie is Django's own")
        return name

    @cached_property
    def cookie_domain(self) -> str | None:
        """The domain that the cookie is sent to; None: this host alone."""
        return _get("WIKI_COOKIE_DOMAIN", str, "") or None

    @cached_property
    def cookie_secure(self) -> bool:
        """Whether the cookie travels over HTTPS alone."""
        return _get("WIKI_COOKIE_SECURE", bool, bool(settings.SESSION_COOKIE_SECURE))

    @cached_property
    def cookie_samesite(self) -> str:
        """The cookie's SameSite attribute; where Django's cookie does not come along, this one must not come alone."""
        is_strict = str(settings.SESSION_COOKIE_SAMESITE).lower() == "strict"
        value = _get("WIKI_COOKIE_SAMESITE", str, "Strict" if is_strict else "Lax")
        if value not in {"Lax", "Strict", "None"}:
            raise ConfigurationError("WIKI_COOKIE_SAMESITE", f"must be Lax, Strict or None (as a text), not {value!r}")
        return value

    @cached_property
    def age(self) -> int | None:
        """The absolute lifetime of a wiki session in ms; None: it lives as long as the Django session."""
        return _seconds("WIKI_COOKIE_AGE")

    @cached_property
    def idle_timeout(self) -> int | None:
        """The ms without activity after which a session ends; None: it doesn't."""
        return _seconds("WIKI_IDLE_TIMEOUT")

    @cached_property
    def max_sessions(self) -> int | None:
        """How many sessions a user may have; None: any number."""
        value = _get("WIKI_MAX_SESSIONS", int, 0)
        if value < 0 or (value == 0 and getattr(settings, "WIKI_MAX_SESSIONS", None) is not None):
            raise ConfigurationError("WIKI_MAX_SESSIONS", f"must be a number above 0, or None, not {value!r}")
        return value or None

    @cached_property
    def user_test(self) -> Callable[[Any], Any] | None:
        """What says of a user whether they may enter the wiki; None: active users may."""
        return read_test("WIKI_USER_TEST")

    @cached_property
    def groups(self) -> tuple[str, ...]:
        """The names of the groups that the wiki is told of; empty: it is told of none."""
        value = getattr(settings, "WIKI_GROUPS", None)
        names = () if value is None else value
        if isinstance(names, str) or not isinstance(names, list | tuple | set | frozenset):
            raise ConfigurationError("WIKI_GROUPS", f"must be a list of names of groups, not {value!r}")
        if not all(isinstance(name, str) and name.splitlines() == [name] for name in names):
            raise ConfigurationError("WIKI_GROUPS", f"must hold names of groups, each of one line, not {value!r}")
        return tuple(names)

    @cached_property
    def single_sign_out(self) -> bool:
        """Whether a session that was ended elsewhere logs the browser out of Django too."""
        return _get("WIKI_SINGLE_SIGN_OUT", bool, True)

    @cached_property
    def sessions_password_age(self) -> int | None:
        """The ms for which a password counts as just given, where people end sessions; None: none is asked for."""
        return _seconds("WIKI_SESSIONS_PASSWORD_AGE")

    @cached_property
    def audit_ip(self) -> str:
        """How much of an IP address is kept: ``full``, ``truncated`` (to /24, or /48 of IPv6) or ``none``."""
        value = _get("WIKI_AUDIT_IP", str, "full")
        if value not in {"full", "truncated", "none"}:
            raise ConfigurationError("WIKI_AUDIT_IP", f"must be full, truncated or none (as a text), not {value!r}")
        return value

    @cached_property
    def trusted_proxies(self) -> Proxies:
        """Which proxies are believed about the client's address."""
        value = getattr(settings, "WIKI_TRUSTED_PROXIES", None)
        try:
            return Proxies.parse(tuple(value) if isinstance(value, set | frozenset) else value)
        except (TypeError, ValueError):
            raise ConfigurationError(
                "WIKI_TRUSTED_PROXIES",
                f'must be a number of proxies, or a list of addresses, networks and "unix", not {value!r}',
            ) from None

    @cached_property
    def wiki_url(self) -> str:
        """Where the wiki is, with a slash at its end; empty: not known."""
        return page_root("WIKI_URL", _get("WIKI_URL", str, ""))


#: The app's settings.
conf = Settings()


def _reread(**_: Any) -> None:
    vars(conf).clear()


setting_changed.connect(_reread, dispatch_uid="django_hooks.reread")


def serves_wiki() -> bool:
    """Whether the site has a wiki to log in to; if not, it only wants to know who is online."""
    return MIDDLEWARE in settings.MIDDLEWARE


def problems() -> list[str]:
    """Return what is wrong with the settings, one line each."""
    found = []
    for name, value in vars(Settings).items():
        if isinstance(value, cached_property):
            try:
                getattr(conf, name)
            except ConfigurationError as error:
                found.append(str(error))
    return found


def read_test(name: str) -> Callable[[Any], Any] | None:
    """Return what a setting names that says something of a user; what it returns is taken for true or false."""
    value = getattr(settings, name, None)
    if value is None:
        return None
    try:
        found = import_string(value) if isinstance(value, str) else value
    except ImportError:
        found = None
    # What an async function returns is true whatever it would say.
    if not callable(found) or iscoroutinefunction(found):
        text = f"must be a callable (and no async one) or the dotted path of one, not {value!r}"
        raise ConfigurationError(name, text)
    return found  # type: ignore[no-any-return] # it is a setting


def _get(name: str, kind: type[T], default: T) -> T:
    value = getattr(settings, name, None)
    if value is None:
        return default
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        shown = "something else" if name == "WIKI_REDIS_URL" else repr(value)  # it may hold a password
        raise ConfigurationError(name, f"must be of type {kind.__name__}, not {shown}")
    return value


def _number(name: str, default: float) -> float:
    value = getattr(settings, name, None)
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else _get(name, float, default)


def _seconds(name: str) -> int | None:
    value = _number(name, 0.0)
    if not 0 <= value <= LONGEST or (value * 1000 < 1 and getattr(settings, name, None) is not None):
        raise ConfigurationError(
            name, f"must be a number of seconds above 0, at most {LONGEST}, or None, not {value!r}"
        )
    return int(value * 1000) or None
