"""The auth method that a wiki's configuration names: ``auth = [ExternalCookie(autocreate=True)]``."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from typing import Any

from flask import request
from moin.auth import BaseAuth, LoginReturn

from session_store import Person, Store
from session_store.throttle import Throttle

from . import reader
from .config import WikiConfig
from .door import Door
from .groups import Groups
from .guard import Guard
from .legacy import Legacy
from .login import INPUTS, Login
from .logout import Logout
from .names import NameRules, NotServed
from .pages import Pages
from .places import Places
from .presence import Presence
from .profiles import Profiles
from .proof import Proof
from .settings_page import SettingsPage
from .traces import Traces

_log = logging.getLogger(__name__)


class ExternalCookie(BaseAuth):  # type: ignore[misc] # moin has no types
    """Believes the cookie that the site has set, on each request anew, and nothing else.

    Args:
        autocreate: make a profile for a user who comes for the first time.
        adopt_existing: let a user who comes for the first time have the wiki's own account of the very same name,
            if that is its only name.
        bind: name in the wiki → the id of the one user of the site who may have it; needed for names to which the
            wiki's configuration gives rights.
        wiki_name: makes the name in the wiki of a name on the site; None: they are the same.
        trusted: whether moin's access rules count such users as ``Trusted``.
        allow_others: other auth methods may stand beside this one; without it the wiki serves nothing then.
        groups: name of a group on the site → name of the wiki's group that its members are in.
        accept_legacy: believe the cookies of 2012 too, for the time of the change-over.
        legacy: about those: ``cookie_name``, ``set``, ``redis_url``, ``age``; see `Legacy`.
        settings: ``redis_url``, ``redis_password_file``, ``redis_prefix``, ``redis_shards``, ``redis_timeout``,
            ``cookie_name``, ``site_url``, ``url``, ``account_url``; what is not given is read from the environment,
            ``WIKI_REDIS_URL`` and so on.

    Raises:
        ConfigurationError: a setting can't be used.
    """

    name = "external_cookie"

    def __init__(
        self,
        *,
        autocreate: bool = False,
        adopt_existing: bool = False,
        bind: Mapping[str, int | str] | None = None,
        wiki_name: Callable[[str], str] | None = None,
        trusted: bool = False,
        allow_others: bool = False,
        groups: Mapping[str, str] | None = None,
        accept_legacy: bool = False,
        legacy: Mapping[str, Any] | None = None,
        **settings: Any,
    ) -> None:
        super().__init__(trusted=trusted)
        config = WikiConfig.read(settings, os.environ)
        self._allow_others = allow_others
        store = Store(config.store)
        self._proof = Proof(store, config.cookie_name)
        self._profiles = Profiles(
            NameRules(bind=bind, wiki_name=wiki_name),
            autocreate=autocreate,
            adopt_existing=adopt_existing,
            trusted=trusted,
        )
        self._legacy = (
            Legacy(store, config.store, **{"cookie_name": config.cookie_name, **(legacy or {})})
            if accept_legacy
            else None
        )
        self._cookie_name = config.cookie_name
        self._throttle = Throttle(seconds=60)
        places = Places(config.site_url, config.url)
        self.login_inputs = INPUTS if config.site_url else []
        self._login = Login(places, self._proof, store, config.cookie_name)
        self._door = Door(
            self,
            [
                Guard(self, allow_others=allow_others),
                Traces(self._proof, allow_others=allow_others),
                Pages(),
                self._login,
                Logout(places, store, config.cookie_name),
                SettingsPage(places, config.account_url),
                Presence(self._proof, store),
                Groups(self._proof, groups or {}),
            ],
        )

    def login_hint(self) -> str | None:
        """Return the link to the site that stands above other log-in forms."""
        return self._login.hint()

    def request(self, user_obj: Any, **_: Any) -> tuple[Any, bool]:
        """Return the user whom the request's cookie proves; where it proves nobody, others are asked if they may be."""
        user = self._user()
        return (user_obj, True) if user is None and self._allow_others else (user, False)

    def login(self, user_obj: Any, /, **_: Any) -> LoginReturn:
        """Answer moin's own log-in form: it changes nothing about who somebody is, unless others may be asked."""
        return LoginReturn(*self.request(user_obj))

    def logout(self, user_obj: Any, **_: Any) -> tuple[Any, bool]:
        """Answer moin's own log-out link: this one request is served to nobody in particular."""
        return (user_obj, True) if self._allow_others else (None, False)

    def _user(self) -> Any | None:
        person = self._proof.person()
        if person is None:
            return self._user_of_2012()
        try:
            return self._profiles.of(person)
        except NotServed as reason:
            if reason.__cause__ is None:  # what a program of the operator's says when it fails is not for readers
                reader.note_refusal(str(reason))
            self._explain(person, str(reason))
        except Exception as error:  # noqa: BLE001 - whatever is wrong with a profile, nobody is let in because of it
            self._explain(person, "his profile can't be used", error)
        return None

    def _user_of_2012(self) -> Any | None:
        """Return the user whom an old cookie names; a browser that has a new one is judged by that alone."""
        if self._legacy is None or reader.token(self._cookie_name):
            return None
        claim = self._legacy.claim(request.environ.get("HTTP_COOKIE"))
        try:
            return self._profiles.named(claim.name, claim.email) if claim else None
        except NotServed:
            return None
        except Exception:  # noqa: BLE001 - whatever is wrong with a profile, nobody is let in because of it
            if self._throttle.allows("legacy"):
                _log.exception("the profile that an old cookie names can't be used")
            return None

    def _explain(self, person: Person, reason: str, error: Exception | None = None) -> None:
        if self._throttle.allows(person.user_id):
            _log.warning(
                "user %s (%r) stays anonymous in the wiki: %s", person.user_id, person.name, reason, exc_info=error
            )
