"""Groups of the site's that stand for groups of the wiki's; they count for the request's user, as his record says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from flask import Flask, has_request_context
from moin import flaskg
from moin.datastructures.backends import BaseGroup, BaseGroupsBackend

from session_store import ConfigurationError

from . import reader
from .door import Doorkeeper
from .proof import Proof


class Groups(Doorkeeper):
    """Adds the site's groups to the wiki's own.

    Args:
        proof: says whose session the request's cookie names.
        names: name of a group on the site → name of the wiki's group that its members are in.

    Raises:
        ConfigurationError: that is no mapping of names.
    """

    def __init__(self, proof: Proof, names: Mapping[str, str]) -> None:
        pairs = names.items() if isinstance(names, Mapping) else [("", names)]
        if not all(isinstance(word, str) and word for pair in pairs for word in pair):
            raise ConfigurationError("groups", "must give the wiki's groups for the site's: {'Editors': 'EditorGroup'}")
        self._proof = proof
        self._names = dict(names)

    def prepare(self, app: Flask) -> None:
        """Stand before the wiki's own groups."""
        cfg = app.cfg  # type: ignore[attr-defined] # moin's
        own = cfg.groups
        if self._names:
            cfg.groups = lambda: SiteGroups(own(), self)

    @property
    def known(self) -> frozenset[str]:
        """The names of all wiki groups that groups of the site stand for."""
        return frozenset(self._names.values())

    def hold(self, group: str, member: str) -> bool:
        """Whether a member is the request's user, and in a wiki group by what his record says."""
        if not has_request_context() or not reader.is_of_the_site() or flaskg.user.name0 != member:
            return False
        person = self._proof.known()
        return person is not None and any(self._names.get(name) == group for name in person.groups)


class SiteGroups(BaseGroupsBackend):  # type: ignore[misc] # moin has no types
    """The wiki's groups, with the request's user in some of them."""

    def __init__(self, own: Any, groups: Groups) -> None:
        super().__init__()
        self._own = own
        self._groups = groups

    def __contains__(self, group_name: str) -> bool:
        return group_name in self._groups.known or group_name in self._own

    def __iter__(self) -> Iterator[str]:
        return iter(sorted({*self._own, *self._groups.known}))

    def __getitem__(self, group_name: str) -> Any:
        own = self._own[group_name] if group_name in self._own or group_name not in self._groups.known else None
        return SiteGroup(group_name, self, own, self._groups) if group_name in self._groups.known else own

    def _retrieve_members(self, group_name: str) -> list[str]:
        return list(self[group_name])


class SiteGroup(BaseGroup):  # type: ignore[misc] # moin has no types
    """A wiki group for which groups of the site stand; of the site's users it holds the request's alone."""

    def __init__(self, name: str, backend: SiteGroups, own: Any, groups: Groups) -> None:
        super().__init__(name, backend)
        self._own = own
        self._groups = groups

    def __contains__(self, member: str, processed_groups: Any = None) -> bool:
        if self._groups.hold(self.name, member):
            return True
        return self._own is not None and self._own.__contains__(member, processed_groups)

    def __iter__(self, yielded_members: Any = None, processed_groups: Any = None) -> Iterator[str]:
        user = getattr(flaskg, "user", None)
        if user is not None and user.valid and self._groups.hold(self.name, user.name0):
            yield user.name0
        if self._own is not None:
            yield from self._own.__iter__(yielded_members, processed_groups)
