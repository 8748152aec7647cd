"""The guard: sees to it that there is no way round the site's log-in."""

from __future__ import annotations

from typing import Any

from flask import Flask

from session_store import ConfigurationError

from .door import Doorkeeper


class Guard(Doorkeeper):
    """Refuses a wiki that would believe somebody else too.

    Args:
        method: the auth method that is believed.
        allow_others: other auth methods are the operator's wish.
    """

    def __init__(self, method: Any, *, allow_others: bool) -> None:
        self._method = method
        self._allow_others = allow_others

    def prepare(self, app: Flask) -> None:
        """Look at the wiki's configuration.

        Raises:
            ConfigurationError: there are other auth methods.
        """
        others = [str(method.name) for method in app.cfg.auth if method is not self._method]  # type: ignore[attr-defined]
        if others and not self._allow_others:
            raise ConfigurationError(
                "auth",
                f"holds other ways to log in ({', '.join(others)}), which would go round the site's; remove them, "
                "or write ExternalCookie(allow_others=True) if you want them",
            )
