"""Who the request's cookie proves: asked of Redis once a request, and believed for that request alone."""

from __future__ import annotations

import logging
from typing import Any

from flask import request

from session_store import Person, Store, StoreUnavailable, token_in_header, verbs
from session_store.throttle import Throttle

#: Where in a request's environ the answer is kept. No header reaches that name.
_KEPT = "moin_auth.person"

_log = logging.getLogger(__name__)


class Proof:
    """Reads the site's cookie, and asks Redis whose it is."""

    def __init__(self, store: Store, cookie_name: str) -> None:
        self._store = store
        self._cookie_name = cookie_name
        self._throttle = Throttle(seconds=60)

    def person(self) -> Person | None:
        """Return whose live session the current request's cookie names; whatever goes wrong, it is nobody's."""
        environ = request.environ
        if _KEPT not in environ:
            environ[_KEPT] = self._ask(environ)
        person: Person | None = environ[_KEPT]
        return person

    def known(self) -> Person | None:
        """Return the same where it has been asked for already; Redis is not asked."""
        person: Person | None = request.environ.get(_KEPT)
        return person

    def _ask(self, environ: dict[str, Any]) -> Person | None:
        token = token_in_header(environ.get("HTTP_COOKIE"), self._cookie_name)
        keys = self._store.keys.of_shard(token.shard) if token else None
        if token is None or keys is None:
            return None
        try:
            check = self._store.run(verbs.check(keys, token.sid, age=None, place="wiki"))
        except StoreUnavailable as error:
            if self._throttle.allows("away"):
                _log.warning("%s; everybody is anonymous", error)
            return None
        except Exception:  # noqa: BLE001 - an answer that makes no sense may fail anywhere on its way here
            if self._throttle.allows("odd"):
                _log.exception("Redis gave an answer that makes no sense; everybody is anonymous")
            return None
        return check.session.record.person if check.session else None
