"""What the site's middleware adds to a request, in a process of its own that has a Django."""

from __future__ import annotations

from benchmarks.alone import figures_of
from benchmarks.row import Result, Row
from benchmarks.sizes import Scale


def run(scale: Scale) -> Result:
    """Time requests of nobody and of somebody."""
    found = figures_of("benchmarks.site", scale)
    anonymous, ratio = found["anonymous"], found["logged in"] / found["GET"]
    return Result(
        [
            Row(
                "WikiMiddleware, anonymous request",
                anonymous,
                "µs",
                "≤ 10 µs, no command",
                anonymous <= 10 and found["anonymous trips"] == 0,
                {"round trips": found["anonymous trips"], "p99": found["anonymous p99"]},
            ),
            Row(
                "WikiMiddleware, logged-in request against a bare pooled GET",
                ratio,
                "×",
                "≤ 1.4 ×, one round trip",
                ratio <= 1.4 and found["logged in trips"] == 1,
                {
                    "round trips": found["logged in trips"],
                    "µs": found["logged in"],
                    "p99, µs": found["logged in p99"],
                    "GET, µs": found["GET"],
                },
                "single sign-out check and renewal; the view's own time taken off",
            ),
            Row("log-in: round trips to Redis", found["log-in trips"], "", "1", found["log-in trips"] == 1),
        ]
    )
