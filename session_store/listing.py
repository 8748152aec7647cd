"""All sessions, searched and paged: in short scripts, so that Redis serves others in between."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from . import verbs
from .keys import SID, Keys, ShardKeys
from .scripts import Call, load
from .sessions import Ref, Session
from .steps import Steps, learn
from .verbs import BATCH, sessions_in

#: Sessions looked at for one page at most, unless told otherwise.
LOOKED = 100_000

#: Shards that are asked at once, after the first one had little.
WIDTH = 8

#: Of a word that is searched for, what stands in a record as it is: nothing that JSON escapes, no other alphabets.
_PLAIN = re.compile(r"[!#-\[\]-~]+", re.ASCII)


@dataclass(frozen=True)
class Query:
    """What is searched for; all of it must hold.

    Attributes:
        text: words, each of which the user's id, name, display name or e-mail address, the IP address or the user agent
            contains; capitals count for nothing.
        place: ``wiki``: was used there; ``site``: was not; empty: either.
        since: began then at the earliest, ms since the epoch.
        until: began then at the latest.
    """

    text: str = ""
    place: str = ""
    since: int | None = None
    until: int | None = None

    @property
    def words(self) -> list[str]:
        """The words, in small letters."""
        return self.text.lower().split()

    @property
    def clues(self) -> list[str]:
        """Of each word, a part that every record in question contains as it is."""
        return [max(plain, key=len) for word in self.words if (plain := _PLAIN.findall(word))]

    def fits(self, session: Session) -> bool:
        """Whether a session that the script has found is one that is searched for."""
        person = session.record.person
        texts = (person.user_id, person.name, person.display_name, person.email, person.ip, person.user_agent)
        lower = [text.lower() for text in texts]
        return all(any(word in text for text in lower) for word in self.words)


@dataclass(frozen=True)
class Place:
    """How far a search has come: the last session that it has looked at, or the beginning of a shard."""

    shard: int = 0
    deadline: int = 0
    sid: str = ""

    def __str__(self) -> str:
        return f"{self.shard}.{self.deadline}.{self.sid}"

    @classmethod
    def parse(cls, text: str) -> Place | None:
        """Read one; None for anything else."""
        match text.split("."):
            case [shard, deadline, sid] if shard.isdecimal() and deadline.isdecimal() and text.isascii():
                if (SID.fullmatch(sid) or not sid) and len(shard) < 6 and len(deadline) < 16:
                    return cls(int(shard), int(deadline), sid)
        return None


@dataclass(frozen=True)
class Page:
    """What was found.

    Attributes:
        after: where to go on; None: everything was looked at.
        looked: how many sessions were looked at.
    """

    sessions: list[Session]
    after: Place | None
    looked: int


def search(
    keys: Keys, query: Query, *, after: Place | None = None, limit: int = 100, looked: int = LOOKED
) -> Steps[Page]:
    """Find sessions, in each shard those that end last in front.

    Args:
        keys: the site's.
        query: which.
        after: where an earlier page has ended.
        limit: how many to find at most.
        looked: how many to look at, at most.
    """
    place: Place | None = after or Place()
    found: list[Session] = []
    seen, width = 0, 1
    yield from learn(keys)
    while place is not None and place.shard < len(keys.shards) and len(found) < limit and seen < looked:
        shards = keys.shards[place.shard : place.shard + width]
        places = [place, *(Place(shard.number) for shard in shards[1:])]
        most, count = limit - len(found), min(BATCH, looked - seen)
        parts = yield [_search_page(shard, query, at, count, most) for shard, at in zip(shards, places, strict=False)]
        for part, at in zip(parts, places, strict=False):
            if len(found) + len(part.sessions) > limit or seen >= looked:
                break  # it is asked again, for less
            found += filter(query.fits, part.sessions)
            seen += part.looked
            place = part.after or _next(keys, at)
            if part.after:
                break
            width = WIDTH
    return Page(found, place if place and place.shard < len(keys.shards) else None, seen)


def _next(keys: Keys, place: Place) -> Place | None:
    return Place(place.shard + 1) if place.shard + 1 < len(keys.shards) else None


def _search_page(keys: ShardKeys, query: Query, place: Place, count: int, limit: int) -> Call[Page]:
    def parse(answer: list[Any]) -> Page:
        looked, more, deadline, sid, *rows = answer
        after = Place(keys.number, max(0, int(float(deadline))), sid.decode()) if more else None
        return Page(sessions_in(keys, rows), after, looked)

    since, until = ("" if time is None else time for time in (query.since, query.until))
    return Call(
        load("search_page"),
        [keys.sessions, keys.records],
        [place.deadline, place.sid, count, limit, query.place, since, until, *query.clues],
        parse,
    )


def find(keys: Keys, refs: Sequence[Ref]) -> Steps[list[Session]]:
    """Return those of some sessions that have a record, in one round trip; their deadlines are the absolute ones."""
    known = [(shard, ref.sid) for ref in refs if (shard := keys.of_shard(ref.shard))]
    answers = yield [verbs.records_of(shard, [sid]) for shard, sid in known]
    found = [
        sessions_in(shard, [sid.encode(), b"", record])
        for (shard, sid), (record,) in zip(known, answers, strict=True)
        if record
    ]
    return [session for sessions in found for session in sessions]
