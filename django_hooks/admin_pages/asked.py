"""What an admin asks of the live sessions: the address's parameters, read with patience."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _

from session_store import Session, steps, verbs
from session_store.keys import Keys
from session_store.listing import Page, Place, Query, search
from session_store.steps import Steps

#: Sessions on a page, and characters of what is searched for.
PER_PAGE, LONGEST = 100, 200

PLACES: dict[str, str | Promise] = {"": _("Anywhere"), "wiki": _("In the wiki too"), "site": _("On the site alone")}

_HOUR = 3_600_000
_DAY = 24 * _HOUR

#: How long ago a session began, in ms: at least, at most.
BEGINNINGS: dict[str, tuple[str | Promise, int | None, int | None]] = {
    "": (_("Any time"), None, None),
    "hour": (_("In the last hour"), None, _HOUR),
    "day": (_("In the last 24 hours"), None, _DAY),
    "week": (_("In the last 7 days"), None, 7 * _DAY),
    "older": (_("Longer ago"), 7 * _DAY, None),
}


@dataclass(frozen=True)
class Asked:
    """What is asked for.

    Attributes:
        text: words to search for.
        place: one of `PLACES`.
        begun: one of `BEGINNINGS`.
        user: a user's id: that user's sessions alone.
        after: where an earlier page has ended.
    """

    text: str = ""
    place: str = ""
    begun: str = ""
    user: str = ""
    after: Place | None = None

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> Asked:
        """Read parameters; what makes no sense counts for nothing."""
        place, begun = given.get("place", ""), given.get("begun", "")
        return cls(
            text=" ".join(given.get("q", "").replace("\0", "").split())[:LONGEST],
            place=place if place in PLACES else "",
            begun=begun if begun in BEGINNINGS else "",
            user=given.get("user", "")[:255],
            after=Place.parse(given.get("after", "")),
        )

    @property
    def query(self) -> Query:
        """The same for the store; times by this machine's clock, which is near enough to Redis'."""
        _name, least, most = BEGINNINGS[self.begun]
        now = int(time.time() * 1000)
        return Query(
            self.text, self.place, None if most is None else now - most, None if least is None else now - least
        )

    def search(self, keys: Keys) -> Steps[Page]:
        """Find a page of them; of one user, all."""
        if not self.user:
            return search(keys, self.query, after=self.after, limit=PER_PAGE)
        return self._of_user(keys)

    def _of_user(self, keys: Keys) -> Steps[Page]:
        found = yield from steps.sessions_of(keys, self.user, limit=verbs.BATCH)
        query = self.query
        return Page(
            [session for session in found if query.fits(session) and _in_time(session, query)], None, len(found)
        )

    @property
    def narrowed(self) -> bool:
        """Whether not everything is asked for."""
        return bool(self.text or self.place or self.begun or self.user)

    @property
    def choices(self) -> list[tuple[str | Promise, list[tuple[str | Promise, str, bool]]]]:
        """The filters: their titles, and of each choice its name, its address and whether it is taken."""
        return [
            (_("place"), [(name, self.query_string(place=key), key == self.place) for key, name in PLACES.items()]),
            (
                _("time of log-in"),
                [(name, self.query_string(begun=key), key == self.begun) for key, (name, *_) in BEGINNINGS.items()],
            ),
        ]

    def query_string(self, **changes: Any) -> str:
        """Return the address of the same with changes, from the first page on."""
        words = {"q": self.text, "place": self.place, "begun": self.begun, "user": self.user} | changes
        return "?" + urlencode({name: str(value) for name, value in words.items() if value})


def _in_time(session: Session, query: Query) -> bool:
    record = session.record
    used = query.place in {"", "wiki" if record.in_wiki else "site"}
    return used and (query.since or 0) <= record.created <= (query.until or record.created)
