"""Cookies of 2012, for the time of the change-over: ``name#address#key``, where a sorted set in Redis holds the key.

Such a cookie names no user id, and where the set holds keys alone, whoever has a key of his own can write another name
before it: a key says that somebody has logged in, not who. So it makes and changes no profile, opens none that belongs
to a user of the site, brings nobody a name to which the wiki's configuration gives rights, and its address must be the
profile's. It is asked only where the browser holds no cookie of the new kind.
"""

from __future__ import annotations

import logging
import re
import time
from dataclasses import dataclass
from typing import Any

from session_store import Config, ConfigurationError, Store, StoreUnavailable
from session_store.scripts import Command
from session_store.throttle import Throttle

#: Longer than any such cookie.
LONGEST = 1000

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Claim:
    """What an old cookie says of its reader."""

    name: str
    email: str


class Legacy:
    """Believes old cookies.

    Args:
        store: Redis, unless another one is named.
        config: what that was made of.
        cookie_name: the old cookie's.
        set: the sorted set's key.
        redis_url: where it is; None: where the sessions are.
        age: the seconds that such a cookie lives, if the set's scores say when it was made; None: they say when it
            ends.
    """

    def __init__(
        self,
        store: Store,
        config: Config,
        *,
        cookie_name: str,
        set: str = "wiki_cookie_keys",  # noqa: A002 - as people type it
        redis_url: str | None = None,
        age: float | None = None,
    ) -> None:
        if age is not None and age <= 0:
            raise ConfigurationError("legacy", "age must be a number of seconds above 0")
        self._store = Store(Config(redis_url=redis_url, redis_timeout=config.redis_timeout)) if redis_url else store
        self._cookie_name = cookie_name
        self._set = set
        self._age = age
        self._throttle = Throttle(seconds=60)
        _log.warning("accept_legacy: cookies of 2012 are believed too; switch it off after the change-over")

    def claim(self, header: str | None) -> Claim | None:
        """Return what a Cookie header's old cookie says, if Redis vouches for it; else None, whatever goes wrong."""
        value = unquote_cookie(_cookie(header, self._cookie_name))
        name, _, rest = value.partition("#")
        email, _, key = rest.partition("#")
        if not name or not key or "#" in key:
            return None
        try:
            scores = self._store.run(Command(("ZMSCORE", self._set, key, value), list))
            return Claim(name, email) if any(self._lives(score) for score in scores) else None
        except StoreUnavailable as error:
            if self._throttle.allows("away"):
                _log.warning("%s; old cookies are not believed", error)
        except Exception:  # noqa: BLE001 - an answer that makes no sense may fail anywhere on its way here
            if self._throttle.allows("odd"):
                _log.exception("Redis gave an answer that makes no sense; old cookies are not believed")
        return None

    def _lives(self, score: Any) -> bool:
        if score is None:
            return False
        seconds, now = float(score), time.time()
        return seconds > now if self._age is None else now - self._age < seconds <= now + 60


def unquote_cookie(value: str) -> str:
    """Return a cookie's text as Django wrote it, which puts what is not plain into quotes."""
    if len(value) > LONGEST:
        return ""
    if len(value) > 1 and value.startswith('"') and value.endswith('"'):
        value = re.sub(r"\\([0-3][0-7][0-7])", lambda found: chr(int(found[1], 8)), value[1:-1])
        value = re.sub(r"\\(.)", r"\1", value)
    for charset in ("utf-8", "latin-1"):  # as Python 2 wrote it, and Python 3
        try:
            return value.encode("latin-1").decode(charset)
        except UnicodeError:
            pass
    return ""


def _cookie(header: str | None, name: str) -> str:
    """Find a cookie's value; where several of the name differ, none counts."""
    pairs = [part.partition("=") for part in (header or "").split(";")]
    values = {value.strip() for key, _, value in pairs if key.strip() == name}
    return values.pop() if len(values) == 1 else ""
