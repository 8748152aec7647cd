"""What the wiki's auth method adds to a request, in a process of its own that has a MoinMoin."""

from __future__ import annotations

from benchmarks.alone import figures_of
from benchmarks.row import Result, Row
from benchmarks.sizes import Scale


def run(scale: Scale) -> Result:
    """Time the method."""
    found = figures_of("benchmarks.wiki", scale)
    more = found["request"] - found["moin"] - found["read"]
    return Result(
        [
            Row(
                "ExternalCookie.request, moin's own work aside, against Store.read",
                more,
                "µs more",
                "≤ 20 µs more",
                more <= 20,
                {"whole, µs": found["request"], "moin's own, µs": found["moin"], "Store.read, µs": found["read"]},
                "moin's own: making its User and loading the profile",
            )
        ]
    )
