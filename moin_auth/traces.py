"""What one reader leaves behind, in moin's session, its cache and the caches on the way, is not shown to the next."""

from __future__ import annotations

from typing import Any

from flask import Flask, Response, has_request_context, request, session
from flask_caching.backends.base import BaseCache
from moin import flaskg
from moin.app import is_static_content

from .door import Doorkeeper
from .proof import Proof

#: Where moin's session keeps whose it is: the site's user id.
_OWNER = "site_user"

#: Where moin keeps the same: the item id of a profile.
_MOINS_OWNER = "user.itemid"


class Traces(Doorkeeper):
    """Empties moin's session when the user changes, and keeps what was made for one reader for that reader.

    Args:
        proof: says whose session the request's cookie names.
        allow_others: users of other auth methods may have sessions too.
    """

    def __init__(self, proof: Proof, *, allow_others: bool) -> None:
        self._proof = proof
        self._allow_others = allow_others

    def prepare(self, app: Flask) -> None:
        """Split the wiki's cache by readers."""
        cache = app.cache  # type: ignore[attr-defined] # moin's
        app.extensions["cache"][cache] = ReaderCache(app.extensions["cache"][cache], self._proof)

    def admit(self) -> None:
        """Empty a session that is not the user's: his trail of pages, his messages, and who moin thought he was."""
        if is_static_content(request.path):
            return
        person = self._proof.person()
        user_id = person.user_id if person else None
        owner = session.get(_OWNER)
        if owner != user_id or (owner is None and not self._allow_others):
            if owner is not None or _MOINS_OWNER in session:
                session.clear()
            if user_id:
                session[_OWNER] = user_id
        if not self._allow_others:
            for key in [key for key in session if key.startswith("user.")]:
                del session[key]  # from these moin would try to revive a user

    def dismiss(self, response: Response) -> None:
        """Keep what was made for a user out of the caches that he shares with others, and have his own ask again."""
        if not (self._proof.known() or reader()):
            return
        response.vary.add("Cookie")
        response.headers.pop("Expires", None)
        if not response.cache_control.no_store:
            response.headers["Cache-Control"] = "private, no-cache"


class ReaderCache(BaseCache):
    """A cache in which each reader finds what was made for him: moin looks a feed up by its last revision alone.

    Args:
        cache: what keeps the values.
        proof: says in which of the site's groups the reader is.
    """

    def __init__(self, cache: BaseCache, proof: Proof) -> None:
        super().__init__(default_timeout=cache.default_timeout)
        self._cache = cache
        self._proof = proof

    def get(self, key: str) -> Any:
        """Look a key up for the request's reader."""
        return self._cache.get(self._readers(key))

    def set(self, key: str, value: Any, timeout: Any = None) -> bool | None:
        """Keep a value for the request's reader."""
        return self._cache.set(self._readers(key), value, timeout)

    def add(self, key: str, value: Any, timeout: Any = None) -> bool:
        """Keep a value for the request's reader where there is none yet."""
        return self._cache.add(self._readers(key), value, timeout)

    def delete(self, key: str) -> bool:
        """Forget a value of the request's reader."""
        return self._cache.delete(self._readers(key))

    def has(self, key: str) -> bool:
        """Say whether there is a value for the request's reader."""
        return self._cache.has(self._readers(key))

    def clear(self) -> bool:
        """Forget everybody's values."""
        return self._cache.clear()

    def _readers(self, key: str) -> str:
        """Add what a feed depends on: the reader's rights, which go by name and groups, and the host that was asked."""
        if not has_request_context():
            return f" {key}"
        person = self._proof.known()
        rights = (flaskg.user.name0, person.groups if person else ()) if reader() else ()
        return f"{reader()} {rights} {request.host_url} {key}"


def reader() -> str:
    """Return the item id of the profile for which the request is served; empty: as anonymous."""
    user = getattr(flaskg, "user", None)
    return user.itemid if user is not None and user.valid else ""
