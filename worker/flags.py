"""The setting that makes Redis tell of expired and evicted keys: ``notify-keyspace-events``."""

from __future__ import annotations

from dataclasses import dataclass

import redis
from redis.exceptions import RedisError, ResponseError

from session_store import Config
from session_store.trouble import unavailable

SETTING = "notify-keyspace-events"

#: Keyspace channels, expired, evicted. Not ``g``: with it every renewal would wake the worker.
NEEDED = "Kxe"

#: The classes that ``A`` stands for, as far as they concern us.
_ALIAS = "xe"


@dataclass(frozen=True)
class Flags:
    """What Redis is set to.

    Attributes:
        now: the setting's value; None where CONFIG is forbidden.
        missing: the needed flags that it lacks.
    """

    now: str | None
    missing: str

    @property
    def right(self) -> bool:
        """Whether every needed flag is known to be on."""
        return self.now is not None and not self.missing

    @property
    def remedy(self) -> str:
        """What an operator types."""
        return f"CONFIG SET {SETTING} {merge(self.now or '')}, and the same line in redis.conf"


def read_flags(client: redis.Redis, config: Config) -> Flags:
    """Read the setting.

    Raises:
        StoreUnavailable: Redis did not answer.
    """
    try:
        answer = client.config_get(SETTING)
    except ResponseError:
        return Flags(None, NEEDED)
    except RedisError as error:
        raise unavailable(config, error) from error
    values = {_text(name): _text(value) for name, value in answer.items()}
    now = values.get(SETTING)
    return Flags(now, missing(now or ""))


def ensure_flags(client: redis.Redis, config: Config, *, may_set: bool) -> Flags:
    """Add the needed flags that are missing, keep all others, and return what is set then."""
    flags = read_flags(client, config)
    if flags.right or flags.now is None or not may_set:
        return flags
    try:
        client.config_set(SETTING, merge(flags.now))
    except ResponseError:
        return flags
    except RedisError as error:
        raise unavailable(config, error) from error
    return read_flags(client, config)


def missing(now: str) -> str:
    """Return the needed flags that a value lacks."""
    on = now + _ALIAS if "A" in now else now
    return "".join(flag for flag in NEEDED if flag not in on)


def merge(now: str) -> str:
    """Return a value with the needed flags added."""
    return now + missing(now)


def _text(raw: object) -> str:
    return raw.decode() if isinstance(raw, bytes) else str(raw)
