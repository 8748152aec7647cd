"""Every Redis key is built and parsed here.

The shard is a hash tag, so that all of a user's state lives in one cluster slot and one script can change it.
"""

from __future__ import annotations

import re
import time
import zlib
from collections.abc import Mapping

#: A shard's number is part of every token; four digits keep tokens short.
MAX_SHARDS = 10_000

#: More shards than that on a cluster are too much for one worker, which has four threads for each: with 128 it takes a
#: third of a core while nothing happens, with 256 more than a whole one, and some ends are seconds late.
MANY_SHARDS = 128

#: Seconds after which a process notes again over how many shards it spreads users.
NOTE_EVERY = 60.0

#: A sid as text: 128 bits, base64url without padding.
SID = re.compile(r"[A-Za-z0-9_-]{22}")

#: Bits of a user id's CRC-32 that choose the set for the user's sids. A million users share 16,384 sets, some 60
#: to each: Redis keeps sets as small as that compact, for half of what a set for every user would cost. The first bits,
#: as the last ones choose the shard.
USER_BITS = 14

_GLOB = re.compile(r"([*?\[\]\\^])")


def escape_glob(text: str) -> str:
    """Return a Redis pattern that matches exactly that text."""
    return _GLOB.sub(r"\\\1", text)


class ShardKeys:
    """The keys of one shard.

    Attributes:
        number: the shard's, as tokens carry it.
        sessions: sorted set, sid → when its key expires (ms).
        records: hash, sid → record.
        ended: hash, sid → reason and absolute deadline (ms) of an end.
        audit: stream of what began and ended.
        readers: hash, audit reader → what it has stored.
        canary: the worker's own short-lived key, to hear itself.
        lease: which of several workers comes first.
        workers: hash, worker → what it last said of itself.
        layouts: sorted set, number of shards → when a site has last said that it spreads users over so many (ms), 0
            where that is forgotten; the first shard's counts.
    """

    def __init__(self, prefix: str, number: int) -> None:
        self.number = number
        self._base = f"{prefix}:{{{number}}}:"
        self.sessions = self._base + "sessions"
        self.records = self._base + "records"
        self.ended = self._base + "ended"
        self.audit = self._base + "audit"
        self.readers = self._base + "readers"
        self.canary = self._base + "canary"
        self.lease = self._base + "lease"
        self.workers = self._base + "workers"
        self.layouts = self._base + "layouts"

    def session(self, sid: str) -> str:
        """The session itself: a string with a TTL."""
        return f"{self._base}session:{sid}"

    def users(self, user_id: str) -> str:
        """The set that keeps a user's sids, beside those of some other users."""
        return f"{self._base}users:{zlib.crc32(user_id.encode()) >> 32 - USER_BITS}"

    def job(self, name: str) -> str:
        """Which of several processes does a job that one does."""
        return f"{self._base}job:{name}"

    @property
    def session_pattern(self) -> str:
        """A glob that matches the session keys of this shard alone."""
        return escape_glob(self._base) + "session:*"

    @property
    def users_pattern(self) -> str:
        """A glob that matches the users' sets of this shard alone."""
        return escape_glob(self._base) + "users:*"


class CrowdKeys:
    """The keys of visitors who have no name: guests, or bots.

    Attributes:
        seen: sorted set, keyed hash of an address → last seen (ms).
        full: a mark: more came than are known one by one.
        rings: sketches (HyperLogLog) of who came, each of them of a slice of the window, which they cover in turn. Each
            visitor belongs to one ring; the more rings, the smaller the error.
    """

    #: Slices of a ring: a window has two less, so that each is gone before its turn comes again.
    SLICES = 12

    #: With four, the error is half of a sketch's 0.81 %.
    RINGS = 4

    def __init__(self, base: str) -> None:
        self.seen = base
        self.full = base + ":full"
        self.rings = tuple(
            tuple(f"{base}:slice:{ring}-{number}" for number in range(self.SLICES)) for ring in range(self.RINGS)
        )

    def ring_of(self, word: str) -> tuple[str, ...]:
        """The ring that a visitor belongs to; CRC-32, so that it is the same in every process."""
        return self.rings[zlib.crc32(word.encode()) % self.RINGS]

    @property
    def all(self) -> tuple[str, ...]:
        """Every key, in the order in which the scripts expect them."""
        return (self.seen, self.full, *(key for ring in self.rings for key in ring))


class OnlineKeys:
    """The keys of who is online, in a slot of their own.

    Attributes:
        members: sorted set, user id → last seen (ms).
        hidden: the same, of members who hide.
        hiding: set of the ids of users who want to hide.
        names: hash, user id → name, of both.
        left: sorted set, user id → until when (ms) a log-out outweighs requests that are still under way.
        state: hash: the window (ms), the peak, and when they were last noted.
        history: hash: how many were online, step by step, over a day.
    """

    def __init__(self, prefix: str) -> None:
        base = f"{prefix}:{{online}}:"
        self.members = base + "members"
        self.hidden = base + "hidden"
        self.hiding = base + "hiding"
        self.names = base + "names"
        self.left = base + "left"
        self.state = base + "state"
        self.history = base + "history"
        self.guests = CrowdKeys(base + "guests")
        self.bots = CrowdKeys(base + "bots")


class Keys:
    """The keys of one site: its prefix, users spread over a number of shards, and who is online.

    Attributes:
        layouts: over how many shards users are spread now, or were at some time and may still have sessions there, as
            far as is known: when the number changes, sessions stay where they are.
    """

    def __init__(self, prefix: str = "sso", shards: int = 1) -> None:
        self.prefix = prefix
        self.online = OnlineKeys(prefix)
        self._now = shards
        self._note_at = 0.0
        self.layouts: frozenset[int] = frozenset({1, shards})  # all began with one; that is never noted
        self.shards = tuple(ShardKeys(prefix, number) for number in range(shards))
        self._session_key = re.compile(rf"{re.escape(prefix)}:\{{(0|[1-9]\d*)\}}:session:(.*)", re.DOTALL | re.ASCII)

    def learn(self, notes: Mapping[int, int]) -> None:
        """Take in over how many shards users are or were spread; numbers that can't be are passed over.

        Args:
            notes: number of shards → when that was last said (ms); 0: it is forgotten. What isn't there is kept: Redis
                may have lost it.
        """
        said = {number for number, at in notes.items() if at > 0 and 1 <= number <= MAX_SHARDS}
        known = self.layouts.difference(notes) | said | {1, self._now}
        if known != self.layouts:
            kept = self.shards[: max(known)]
            more = (ShardKeys(self.prefix, number) for number in range(len(kept), max(known)))
            self.layouts, self.shards = known, (*kept, *more)

    @property
    def must_note(self) -> bool:
        """Whether others must be told over how many shards users are spread, before a session is opened.

        They are told again about once a minute: Redis may lose it, and what hasn't been told for long may be forgotten.
        """
        return time.monotonic() >= self._note_at

    def noted(self, notes: Mapping[int, int]) -> None:
        """Take in that others have been told, and what they have said, as `learn` does."""
        self._note_at = time.monotonic() + NOTE_EVERY
        self.learn(notes)

    def of_user(self, user_id: str) -> ShardKeys:
        """The shard that a user's sessions are opened in; CRC-32, so that it is the same in every process."""
        return self._shard(zlib.crc32(user_id.encode()) % self._now)

    def homes(self, user_id: str) -> tuple[ShardKeys, ...]:
        """The shards that may have sessions of a user, the present one first."""
        code = zlib.crc32(user_id.encode())
        numbers = dict.fromkeys(code % layout for layout in (self._now, *sorted(self.layouts)))
        return tuple(map(self._shard, numbers))

    def of_shard(self, number: int) -> ShardKeys | None:
        """The shard of that number, whether or not anything is in it; None where there can be none."""
        return self._shard(number) if 0 <= number < MAX_SHARDS else None

    @property
    def layout(self) -> int:
        """Over how many shards users are spread now."""
        return self._now

    @property
    def session_pattern(self) -> str:
        """A glob that matches the session keys of every shard."""
        return escape_glob(self.prefix) + ":*:session:*"

    @property
    def canary_pattern(self) -> str:
        """A glob that matches the workers' own short-lived key of every shard."""
        return escape_glob(self.prefix) + ":*:canary"

    def parse_session(self, key: str) -> tuple[ShardKeys, str] | None:
        """Return the shard and the sid that a session key names, or None for any other key."""
        match = self._session_key.fullmatch(key)
        if match is None or not SID.fullmatch(match[2]):
            return None
        shard = self.of_shard(int(match[1])) if len(match[1]) < 6 else None
        return (shard, match[2]) if shard else None

    def _shard(self, number: int) -> ShardKeys:
        # A forged token may name any shard; what is not known to be in use is not kept.
        return self.shards[number] if number < len(self.shards) else ShardKeys(self.prefix, number)
