"""Which names a profile may have: rights in the wiki go by name, so a name must not be somebody else's, or a rule's."""

from __future__ import annotations

from moin.constants.keys import ITEMID, NAME_EXACT
from moin.user import isValidName, search_users

#: Names that mean something else in moin's access rules; moin itself accepts them as user names.
RESERVED = {"all", "known", "trusted", "default", "anonymous"}


def refusal(name: str, itemid: str) -> str | None:
    """Say why a profile may not have a name, and what to do; None: it may.

    Args:
        name: the name.
        itemid: the profile's item id; its own name is not in its way.
    """
    if not isValidName(name):
        return "MoinMoin doesn't accept this name (odd characters, or a group's name); rename the user on the site"
    if name.lower() in RESERVED:
        return "the name has a meaning of its own in MoinMoin's access rules; rename the user on the site"
    if any(profile.meta[ITEMID] != itemid for profile in search_users(**{NAME_EXACT: name})):
        return "another wiki profile has this name; rename one of the two"
    return None
