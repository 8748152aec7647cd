"""Which names a profile may have: rights in a wiki go by name, so a name must not be somebody else's, or a rule's."""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from moin.security import ACLStringIterator
from moin.user import isValidName

from session_store import ConfigurationError

#: Names that mean something else in MoinMoin's access rules; it accepts them as user names itself.
RESERVED = frozenset({"all", "known", "trusted", "default", "anonymous"})

#: What MoinMoin leaves out of a name where it makes a file name of it, for drafts.
_DROPPED = str.maketrans("", "", " '@")


class NotServed(Exception):  # noqa: N818 - what happened, not what is wrong
    """A user of the site stays anonymous in the wiki; the text says why and what to do."""


class NameRefused(NotServed):
    """The wiki can't have the site's name for a user."""


def name_key(name: str) -> str:
    """Return what two names have in common that count as the same."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return unicodedata.normalize("NFKC", folded.translate(_DROPPED))


class NameRules:
    """What the configuration says of names.

    Args:
        wiki_name: makes a wiki name of a site name; None: they are the same.
        bind: name → the one user id of the site that may have it.

    Raises:
        ConfigurationError: one of them can't be used.
    """

    def __init__(
        self, *, wiki_name: Callable[[str], str] | None = None, bind: Mapping[str, int | str] | None = None
    ) -> None:
        if wiki_name is not None and not callable(wiki_name):
            raise ConfigurationError("wiki_name", "must be a function that takes the name on the site")
        self._wiki_name = wiki_name
        self._bound = _bound(bind or {})

    def wiki_name(self, site_name: str) -> str:
        """Return the name that a user is to have in the wiki.

        Raises:
            NameRefused: the site's name can't be made into one.
        """
        if self._wiki_name is None:
            return site_name
        try:
            name = self._wiki_name(site_name)
        except Exception as error:
            raise NameRefused(
                f"wiki_name failed: {type(error).__name__}: {error}; mend it in the wiki's configuration"
            ) from error
        if not isinstance(name, str):
            raise NameRefused("wiki_name returned no text; mend it in the wiki's configuration")
        return name

    def check(self, name: str, user_id: str, cfg: Any) -> None:
        """Let a name pass that a user of the site may have in a wiki, as far as that can be told without its profiles.

        Args:
            name: the name in the wiki.
            user_id: the site's id of the user.
            cfg: the wiki's configuration.

        Raises:
            NameRefused: he may not.
        """
        key = name_key(name)
        if not key or not isValidName(name) or _is_address(name):
            raise NameRefused(
                "MoinMoin can't use this name; rename the user on the site, or map the name with wiki_name"
            )
        if key in RESERVED or _is_group(name, cfg):
            raise NameRefused(
                "the name has a meaning of its own in MoinMoin's access rules; rename the user on the site"
            )
        if key in self._bound:
            if self._bound[key] != user_id:
                raise NameRefused(f"bind gives this name to the site's user {self._bound[key]}; rename one of the two")
        elif key in _named(_rules(cfg)):
            raise NameRefused(
                "the wiki's configuration gives rights to this name; if this user is meant, "
                f"write ExternalCookie(bind={{{name!r}: {user_id!r}}}), else rename the user on the site"
            )

    def binds(self, name: str, user_id: str) -> bool:
        """Whether the operator has said that the name belongs to that user of the site."""
        return self._bound.get(name_key(name)) == user_id


def _bound(bind: Mapping[str, int | str]) -> dict[str, str]:
    bound: dict[str, str] = {}
    for name, user_id in bind.items():
        if (
            not isinstance(name, str)
            or isinstance(user_id, bool)
            or not isinstance(user_id, int | str)
            or user_id == ""
        ):
            raise ConfigurationError("bind", "must give names the site's user ids, as in {'sally': 1}")
        if bound.setdefault(name_key(name), str(user_id)) != str(user_id):
            raise ConfigurationError("bind", f"gives {name!r}, or a name that reads the same, to two users")
    return bound


def _is_group(name: str, cfg: Any) -> bool:
    return re.fullmatch(cfg.item_group_regex, name, re.IGNORECASE) is not None or name in cfg.groups()


def _is_address(name: str) -> bool:
    """Anonymous readers go by their address where MoinMoin keeps drafts and locks."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _rules(cfg: Any) -> tuple[str, ...]:
    """Return the access rules that the configuration holds, as text."""
    contents = (acl[part] for _, acl in cfg.acl_mapping for part in ("before", "default", "after"))
    return (cfg.acl_functions, *contents)


@lru_cache
def _named(rules: tuple[str, ...]) -> frozenset[str]:
    """Return the keys of the names in access rules, groups and special names among them."""
    return frozenset(name_key(entry) for rule in rules for entry in _entries(rule))


def _entries(rule: str) -> Iterator[str]:
    for _, entries, _ in ACLStringIterator([], rule):
        yield from entries
