"""Which names a profile may have: rights in a wiki go by name, so a name must not be somebody else's, or a rule's."""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from moin import flaskg
from moin.security import ACLStringIterator
from moin.user import isValidName

from session_store import ConfigurationError

#: Names that mean something else in MoinMoin's access rules; it accepts them as user names itself.
RESERVED = frozenset({"all", "known", "trusted", "default", "anonymous"})

#: What MoinMoin leaves out of a name where it makes a file name of it, for drafts.
_DROPPED = str.maketrans("", "", " '@")


_CANT_BE_USED = "MoinMoin can't use this name; rename the user on the site, or map the name with wiki_name"
_MEANS_SOMETHING = "the name has a meaning of its own in MoinMoin's access rules; rename the user on the site"


class NotServed(Exception):  # noqa: N818 - what happened, not what is wrong
    """A user of the site stays anonymous in the wiki; the text says why and what to do."""


class NameRefused(NotServed):
    """The wiki can't have the site's name for a user."""


@lru_cache(maxsize=4096)
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
        self._known: _Laws | None = None

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
        """Let a name pass that a user of the site may have in a wiki, as far as its configuration says.

        Args:
            name: the name in the wiki.
            user_id: the site's id of the user.
            cfg: the wiki's configuration, which does not change while the wiki runs.

        Raises:
            NameRefused: he may not.
        """
        verdict = self._laws(cfg).judge(name)
        if verdict.problem:
            raise NameRefused(verdict.problem)
        bound_to = self._bound.get(verdict.key)
        if bound_to is None and verdict.has_rights:
            raise NameRefused(_has_rights(name, user_id))
        if bound_to is not None and bound_to != user_id:
            raise NameRefused(f"bind gives this name to the site's user {bound_to}; rename one of the two")

    def check_new(self, name: str, user_id: str, cfg: Any) -> None:
        """Let a name pass that a profile has not had before: it is no group's, and in no group with rights.

        Raises:
            NameRefused: he may not have it.
        """
        groups = flaskg.groups = cfg.groups()  # where groups look for each other; moin sets it a moment later
        if name in groups:
            raise NameRefused(_MEANS_SOMETHING)
        with_rights = [groups[entry] for entry in self._laws(cfg).named if entry in groups]
        if not self.binds(name, user_id) and any(name in group for group in with_rights):
            raise NameRefused(_has_rights(name, user_id))

    def _laws(self, cfg: Any) -> _Laws:
        if self._known is None or self._known.cfg is not cfg:
            self._known = _Laws(cfg)
        return self._known

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


class _Verdict(NamedTuple):
    """What can be said of a name for good: its key, what is wrong with it, and whether a rule gives it rights."""

    key: str
    problem: str | None
    has_rights: bool


class _Laws:
    """What a wiki's configuration says of names.

    Attributes:
        named: whom its access rules name, groups and special names among them.
    """

    def __init__(self, cfg: Any) -> None:
        self.cfg = cfg
        contents = (acl[part] for _, acl in cfg.acl_mapping for part in ("before", "default", "after"))
        self.named = frozenset(entry for rule in (cfg.acl_functions, *contents) for entry in _entries(rule))
        self._keys = frozenset(map(name_key, self.named))
        self.judge = lru_cache(maxsize=4096)(self._judge)

    def _judge(self, name: str) -> _Verdict:
        key = name_key(name)
        problem = None
        if not key or not isValidName(name) or _is_address(name):
            problem = _CANT_BE_USED
        elif key in RESERVED or re.fullmatch(self.cfg.item_group_regex, name, re.IGNORECASE):
            problem = _MEANS_SOMETHING
        return _Verdict(key, problem, key in self._keys)


def _entries(rule: str) -> Iterator[str]:
    for _, entries, _ in ACLStringIterator([], rule):
        yield from entries


def _has_rights(name: str, user_id: str) -> str:
    return (
        "the wiki's configuration gives rights to this name; if this user is meant, "
        f"write ExternalCookie(bind={{{name!r}: {user_id!r}}}), else rename the user on the site"
    )


def _is_address(name: str) -> bool:
    """Anonymous readers go by their address where MoinMoin keeps drafts and locks."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
