"""Three kinds of site, by how long a session lasts and how people use it. All of it is assumed; say what yours does."""

from __future__ import annotations

from dataclasses import dataclass

MINUTE, HOUR, DAY = 60, 3_600, 86_400

#: How many log in, hour by hour, from midnight: few at night, most in the morning, and again in the evening. As if all
#: lived in one time zone, which makes the peaks as high as they can be.
CURVE = (2, 1, 1, 1, 1, 2, 5, 12, 20, 22, 18, 15, 13, 14, 14, 13, 12, 12, 13, 15, 16, 13, 8, 4)


@dataclass(frozen=True)
class Kind:
    """How sessions begin, are used and end. Times are in seconds.

    Attributes:
        name: in a few words.
        absolute: after which a session ends, whatever is done; None: it doesn't.
        idle: after which it ends without activity; None: it doesn't.
        visit: how long a visit lasts, at the mean.
        page: from one page to the next.
        logs_out: the share of visits that end with a log-out.
        returns: the share of the others after which the same browser comes again.
        gap: until it does, at the mean; None: on the next day, at some hour of the day's curve.
    """

    name: str
    absolute: int | None
    idle: int | None
    visit: int
    page: int
    logs_out: float
    returns: float
    gap: int | None

    @property
    def write_every(self) -> int:
        """How often activity is written down in Redis at most: a renewal, or else when the session was last seen."""
        return MINUTE if self.idle else 5 * MINUTE


KINDS = (
    Kind("two weeks, sliding", None, 14 * DAY, 10 * MINUTE, 30, 0.05, 0.9, None),
    Kind("12 hours, absolute", 12 * HOUR, None, 20 * MINUTE, 30, 0.2, 0.7, 2 * HOUR),
    Kind("30 minutes idle", None, 30 * MINUTE, 20 * MINUTE, 30, 0.3, 0.0, None),
)
