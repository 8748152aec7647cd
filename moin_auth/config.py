"""The wiki's settings: keyword arguments of `ExternalCookie`, which fall back to the environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from session_store import Config
from session_store.config import page_root

#: The keyword arguments, and the variables that they fall back to.
NAMES = {
    "redis_url": "WIKI_REDIS_URL",
    "redis_prefix": "WIKI_REDIS_PREFIX",
    "redis_shards": "WIKI_REDIS_SHARDS",
    "redis_timeout": "WIKI_REDIS_TIMEOUT",
    "redis_password_file": "WIKI_REDIS_PASSWORD_FILE",
    "cookie_name": "WIKI_COOKIE_NAME",
    "site_url": "WIKI_SITE_URL",
    "url": "WIKI_URL",
    "account_url": "WIKI_ACCOUNT_URL",
}

#: The arguments that have no variable: they say what only the wiki knows.
OTHERS = (
    "accept_legacy",
    "adopt_existing",
    "allow_others",
    "autocreate",
    "bind",
    "groups",
    "legacy",
    "trusted",
    "wiki_name",
)


@dataclass(frozen=True)
class WikiConfig:
    """Which cookie is believed, and which Redis says so.

    Attributes:
        site_url: where the site's log-in and log-out are; empty: not known.
        url: where the wiki is; empty: as each request says.
        account_url: the site's page where people change what the wiki only shows; empty: the site's first page.
    """

    store: Config
    cookie_name: str
    site_url: str
    url: str
    account_url: str

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
        values = {**environ, **{NAMES[name]: _text(value) for name, value in given.items() if value is not None}}
        return cls(
            store=Config.from_env(values),
            cookie_name=values.get("WIKI_COOKIE_NAME") or "wiki_session",
            site_url=page_root("WIKI_SITE_URL", values.get("WIKI_SITE_URL") or ""),
            url=page_root("WIKI_URL", values.get("WIKI_URL") or ""),
            account_url=_page("WIKI_ACCOUNT_URL", values.get("WIKI_ACCOUNT_URL") or ""),
        )


def _page(name: str, url: str) -> str:
    """Return a page's address as it is, with or without a slash at its end, if it is one."""
    page_root(name, url)
    return url


def _text(value: Any) -> str:
    return value if isinstance(value, str) else str(value)
