"""The wiki's profiles: each belongs to a user id of the site, and follows what the site says of that user."""

from __future__ import annotations

import uuid
from typing import Any

from moin import current_app
from moin.constants.keys import DISABLED, DISPLAY_NAME, EMAIL, ITEMID, NAME, SUBSCRIPTIONS
from moin.user import User, search_users

from session_store import Person

from .names import refusal

#: Where a profile's metadata keep the site's user id; moin's index searches every field that ends in ``_id``.
OWNER = "site_user_id"

#: What makes item ids of user ids: two first requests at once write the same profile, not two.
_NAMESPACE = uuid.UUID("5d2f6e0c-6a0b-4e9e-8f0e-0d7f5f6c2a11")

#: What moin calls a user's log-in. It is not the auth method's own name on purpose: moin revives from its own session
#: only users of methods that it knows by name, and ours are to be believed for one request at a time.
AUTH_METHOD = "external_cookie_proof"


class NameRefused(Exception):  # noqa: N818 - what happened, not what is wrong
    """The site's name for a user can't be a name in the wiki."""


def find_or_create(person: Person, *, autocreate: bool, trusted: bool) -> Any | None:
    """Return the moin user whose profile belongs to the person, up to date; None where there is none.

    Raises:
        NameRefused: the wiki can't have the name; it says why.
    """
    found = search_users(**{OWNER: person.user_id})
    if not found and not autocreate:
        return None
    itemid = found[0].meta[ITEMID] if found else uuid.uuid5(_NAMESPACE, person.user_id).hex
    user = User(
        uid=itemid if found else None,
        auth_method=AUTH_METHOD,
        auth_attribs=(NAME, DISPLAY_NAME, EMAIL, "password"),
        trusted=trusted,
    )
    if not found:
        user.profile[ITEMID] = itemid
        user.profile[DISABLED] = False
        user.profile[SUBSCRIPTIONS] = []
        user.profile[OWNER] = person.user_id
    _follow(user, person)
    return user if user.valid and not user.disabled else None


def _follow(user: Any, person: Person) -> None:
    wanted = {NAME: [person.name], DISPLAY_NAME: person.display_name, EMAIL: person.email}
    changed = {key: value for key, value in wanted.items() if _kept(user.profile, key) != value}
    if not changed:
        return
    if NAME in changed and (reason := refusal(person.name, user.profile[ITEMID])):
        raise NameRefused(reason)
    for key, value in changed.items():
        user.profile[key] = value
    user.save()
    # What a user may do is made from the names that he had when the object was made.
    user.may = current_app.cfg.SecurityPolicy(user)


def _kept(profile: Any, key: str) -> Any:
    try:
        return profile[key]
    except KeyError:
        return None
