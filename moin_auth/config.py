"""The wiki's settings: keyword arguments of `ExternalCookie`, which fall back to the environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from session_store import Config

#: The keyword arguments, and the variables that they fall back to.
NAMES = {
    "redis_url": "WIKI_REDIS_URL",
    "redis_prefix": "WIKI_REDIS_PREFIX",
    "redis_shards": "WIKI_REDIS_SHARDS",
    "redis_timeout": "WIKI_REDIS_TIMEOUT",
    "cookie_name": "WIKI_COOKIE_NAME",
}

#: The arguments that have no variable: they say what only the wiki knows.
OTHERS = ("adopt_existing", "allow_others", "autocreate", "bind", "trusted", "wiki_name")


@dataclass(frozen=True)
class WikiConfig:
    """Which cookie is believed, and which Redis says so."""

    store: Config
    cookie_name: str

    @classmethod
    def read(cls, given: Mapping[str, Any], environ: Mapping[str, str]) -> WikiConfig:
        """Take what is given, and the rest from the environment.

        Raises:
            ConfigurationError: a value can't be used.
            TypeError: an argument is none of `NAMES`.
        """
        unknown = given.keys() - NAMES.keys()
        if unknown:
            known = ", ".join(sorted({*NAMES, *OTHERS}))
            raise TypeError(f"ExternalCookie takes {known}, not {', '.join(sorted(unknown))}")
        values = {**environ, **{NAMES[name]: str(value) for name, value in given.items() if value is not None}}
        return cls(Config.from_env(values), values.get("WIKI_COOKIE_NAME") or "wiki_session")
