"""The wiki's profiles: each belongs to a user id of the site, and follows what the site says of that user."""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
from collections.abc import Iterator
from typing import Any

from moin import current_app
from moin.constants.keys import (
    DISABLED,
    DISPLAY_NAME,
    EMAIL,
    ENC_PASSWORD,
    ITEMID,
    NAME,
    NAME_EXACT,
    RECOVERPASS_KEY,
    REVID,
    SUBSCRIPTIONS,
)
from moin.storage.error import NoSuchItemError
from moin.user import User, search_users
from whoosh.index import LockError

from session_store import Person

from .claims import one_at_a_time, wait_until
from .names import NameRefused, NameRules, NotServed, name_key
from .refusals import Refusals

#: Where a profile's metadata keep the site's user id; moin's index searches every field that ends in ``_id``.
OWNER = "site_user_id"

#: Where they keep the keys of every name that the profile has or had.
NAME_KEYS = "site_name_id"

#: What moin calls a user's log-in. It is not the auth method's own name on purpose: moin revives from its own session
#: only users of methods that it knows by name, and ours are to be believed for one request at a time.
AUTH_METHOD = "external_cookie_proof"

_DISABLED = "his profile is disabled in the wiki; its admins can undo that in +admin/userbrowser"

_log = logging.getLogger(__name__)


class Profiles:
    """Finds, makes and updates the profile of a person.

    Args:
        rules: which names may be had.
        autocreate: make a profile for a user who comes for the first time.
        adopt_existing: let a user who comes for the first time have the wiki's own account of the very same name.
        trusted: whether moin's access rules count the users as ``Trusted``.
    """

    def __init__(self, rules: NameRules, *, autocreate: bool, adopt_existing: bool, trusted: bool) -> None:
        self._rules = rules
        self._autocreate = autocreate
        self._adopt_existing = adopt_existing
        self._trusted = trusted
        self._refusals = Refusals()

    def of(self, person: Person) -> Any | None:
        """Return the moin user whose profile belongs to the person, up to date.

        None where there is none and none is to be made.

        Raises:
            NotServed: the user is to stay anonymous; it says why.
        """
        user = self._load(person)
        if user is not None and not user.valid:
            raise NotServed(_DISABLED)
        name = self._rules.wiki_name(person.name)
        self._rules.check(name, person.user_id, current_app.cfg)
        if user is not None and _has(user, name) and not _news(user, person, name):
            return user
        if user is None and not (self._autocreate or self._adopt_existing):
            return None
        if self._refusals.stands(person.user_id, name):
            return None
        try:
            with one_at_a_time():
                claimed = self._claim(person, name)
        except NameRefused as refusal:
            self._refusals.note(person.user_id, name, str(refusal))
            raise
        except TimeoutError:
            raise NotServed("the wiki is busy writing other profiles; the next request tries again") from None
        if claimed is None:
            self._refusals.note(person.user_id, name)
        return claimed

    def named(self, name: str, email: str) -> Any | None:
        """Return the moin user of exactly that name and address, as it is, where nobody of the site owns it.

        None: there is none, or not one alone. Whom a profile belongs to gets it by the site's word alone.

        Raises:
            NotServed: the configuration, or a group with rights there, gives rights to the name, or it is bound to
                somebody.
        """
        self._rules.check(name, "", current_app.cfg)
        self._rules.check_new(name, "", current_app.cfg)
        found = [profile.meta for profile in search_users(**{NAME_EXACT: name})]
        if len(found) != 1 or list(found[0][NAME]) != [name] or OWNER in found[0]:
            return None
        if any(True for _ in search_users(**{NAME_KEYS: name_key(name)})):
            return None
        user = self._user(uid=found[0][ITEMID])
        if user.disabled or not email or (_kept(user, EMAIL) or "").casefold() != email.casefold():
            return None
        user.valid = True
        _name_rights(user)
        return user

    def _claim(self, person: Person, name: str) -> Any | None:
        user = self._load(person)
        if user is None or not _has(user, name):
            self._rules.check_new(name, person.user_id, current_app.cfg)
            user = self._make_sure(user, person, name)
        if user is None:
            return None
        _follow(user, person, name)
        if user.disabled:
            raise NotServed(_DISABLED)
        return user

    def _make_sure(self, user: Any | None, person: Person, name: str) -> Any | None:
        """Return the person's profile if nobody else has the name; None: there is none, and none is to be made."""
        holder = _holder(name, user, but_former=self._rules.binds(name, person.user_id))
        if holder is None:
            return user or (self._new(person) if self._autocreate else None)
        adopted = self._adopt(holder, person, name) if user is None and self._adopt_existing else None
        if adopted is None:
            raise NameRefused(
                f"another wiki profile ({holder[ITEMID]}) has or had this name, or one that reads the same; "
                "rename one of the two"
            )
        return adopted

    def _load(self, person: Person) -> Any | None:
        """Load the person's profile: one look into the index, one into the storage."""
        user = self._user()
        try:
            user.profile.load(**{OWNER: person.user_id})
        except NoSuchItemError:
            return None
        user.valid = not user.disabled
        _name_rights(user)
        return user

    def _new(self, person: Person) -> Any:
        user = self._user()
        user.profile[ITEMID] = _secret_id("profile", person.user_id)
        # A save that fails halfway is repeated under the same id: it leaves nothing behind.
        user.profile[REVID] = _secret_id("revision", person.user_id)
        user.profile[DISABLED] = False
        user.profile[SUBSCRIPTIONS] = []
        _take_over(user, person)
        return user

    def _adopt(self, holder: Any, person: Person, name: str) -> Any | None:
        """Take over an account of the wiki's own, where the name is its sole name and it belongs to nobody."""
        if list(holder[NAME]) != [name] or OWNER in holder:
            return None
        user = self._user(uid=holder[ITEMID])
        _take_over(user, person)
        _log.warning(
            "the wiki's account %r (%s) now belongs to the site's user %s", name, holder[ITEMID], person.user_id
        )
        return user

    def _user(self, uid: str | None = None) -> Any:
        attributes = (NAME, DISPLAY_NAME, EMAIL, "password")
        return User(uid=uid, auth_method=AUTH_METHOD, auth_attribs=attributes, trusted=self._trusted)


def _has(user: Any, name: str) -> bool:
    """Whether the profile goes by that name, and has been granted it."""
    return _kept(user, NAME) == [name] and _granted(user, name)


def _granted(user: Any, name: str) -> bool:
    return name_key(name) in (_kept(user, NAME_KEYS) or ())


def _news(user: Any, person: Person, name: str) -> dict[str, Any]:
    """Return what the profile must change to follow the site; moin strips texts when it stores them."""
    wanted = {NAME: [name], DISPLAY_NAME: person.display_name.strip(), EMAIL: person.email.strip()}
    return {key: value for key, value in wanted.items() if _kept(user, key) != value}


def _follow(user: Any, person: Person, name: str) -> None:
    for key, value in _news(user, person, name).items():
        user.profile[key] = value
    if not _granted(user, name):
        user.profile[NAME_KEYS] = [*(_kept(user, NAME_KEYS) or ()), name_key(name)]
    wait_until(lambda: _saves(user))
    _name_rights(user)


def _saves(user: Any) -> bool:
    """Save a profile; False: another process writes to moin's index just now, for which moin does not wait."""
    try:
        user.save()
    except LockError:
        return False
    return True


def _take_over(user: Any, person: Person) -> None:
    """Make a profile the person's: from now on there is no way to it but the site's."""
    user.profile[OWNER] = person.user_id
    user.profile[ENC_PASSWORD] = ""
    # An empty key, moin's default, is one that everybody knows.
    user.profile[RECOVERPASS_KEY] = secrets.token_urlsafe(24)
    user.generate_session_token(save=False)


def _holder(name: str, own: Any | None, *, but_former: bool) -> Any | None:
    """Return the metadata of another profile that has a name, or, unless that shall not count, had it."""
    metas = _having(name_key(name), but_former=but_former)
    return next((meta for meta in metas if own is None or meta[ITEMID] != own.itemid), None)


def _having(key: str, *, but_former: bool) -> Iterator[Any]:
    """Yield the metadata of profiles with such a name: first those that the index finds, as all are many."""
    if not but_former:
        yield from (found.meta for found in search_users(**{NAME_KEYS: key}))
    yield from (profile.meta for profile in search_users() if key in map(name_key, profile.meta.get(NAME) or ()))


def _secret_id(kind: str, user_id: str) -> str:
    """Return an id that is always the same for a user, and that nobody can occupy beforehand."""
    secret = current_app.cfg.secrets["security/ticket"]
    return hmac.new(secret.encode(), f"{kind} of {user_id}".encode(), hashlib.sha256).hexdigest()[:32]


def _name_rights(user: Any) -> None:
    """Make what a user may do again: it is made from the names that he had when the object was made."""
    user.may = current_app.cfg.SecurityPolicy(user)


def _kept(user: Any, key: str) -> Any:
    try:
        return user.profile[key]
    except KeyError:
        return None
