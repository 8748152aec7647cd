"""The auth method that a wiki's configuration names: ``auth = [ExternalCookie(autocreate=True)]``."""

from __future__ import annotations

import logging
import os
from typing import Any

from flask import request
from moin.auth import BaseAuth, LoginReturn

from session_store import Person, Store, StoreUnavailable, token_in_header
from session_store.throttle import Throttle

from .config import WikiConfig
from .door import Door
from .guard import Guard
from .profiles import NameRefused, find_or_create

_log = logging.getLogger(__name__)


class ExternalCookie(BaseAuth):  # type: ignore[misc] # moin has no types
    """Believes the cookie that the site has set, on each request anew, and nothing else.

    Args:
        autocreate: make a profile for a user who comes for the first time.
        trusted: whether moin's access rules count such users as ``Trusted``.
        allow_others: other auth methods may stand beside this one; without it the wiki serves nothing then.
        settings: ``redis_url``, ``redis_prefix``, ``redis_shards``, ``redis_timeout``, ``cookie_name``; what is not
            given is read from the environment, ``WIKI_REDIS_URL`` and so on.

    Raises:
        ConfigurationError: a setting can't be used.
    """

    name = "external_cookie"

    def __init__(
        self, *, autocreate: bool = False, trusted: bool = False, allow_others: bool = False, **settings: Any
    ) -> None:
        super().__init__(trusted=trusted)
        config = WikiConfig.read(settings, os.environ)
        self._autocreate = autocreate
        self._allow_others = allow_others
        self._cookie_name = config.cookie_name
        self._store = Store(config.store)
        self._throttle = Throttle(seconds=60)
        self._door = Door(self, [Guard(self, allow_others=allow_others)])

    def request(self, user_obj: Any, **_: Any) -> tuple[Any, bool]:
        """Return the user whom the request's cookie proves; where it proves nobody, others are asked if they may be."""
        user = self._user()
        return (user_obj, True) if user is None and self._allow_others else (user, False)

    def login(self, user_obj: Any, **_: Any) -> LoginReturn:
        """Answer moin's own log-in form: it changes nothing about who somebody is, unless others may be asked."""
        return LoginReturn(*self.request(user_obj))

    def logout(self, user_obj: Any, **_: Any) -> tuple[Any, bool]:  # noqa: ARG002 - nobody else's word counts
        """Answer moin's own log-out link: this one request is served to nobody in particular."""
        return None, False

    def _user(self) -> Any | None:
        person = self._person()
        if person is None:
            return None
        try:
            return find_or_create(person, autocreate=self._autocreate, trusted=self.trusted)
        except NameRefused as refusal:
            if self._throttle.allows(f"name {person.user_id}"):
                _log.warning("user %s (%r) stays anonymous: %s", person.user_id, person.name, refusal)
            return None

    def _person(self) -> Person | None:
        token = token_in_header(request.environ.get("HTTP_COOKIE"), self._cookie_name)
        if token is None:
            return None
        try:
            session = self._store.read(token)
        except StoreUnavailable as error:
            if self._throttle.allows("store"):
                _log.warning("%s; everybody is anonymous", error)
            return None
        return session.record.person if session else None
