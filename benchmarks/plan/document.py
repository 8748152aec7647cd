"""The whole plan, as what can be written as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from .costs import Costs
from .day import Day, simulate
from .kinds import KINDS, Kind
from .needs import HOST, Host, carry, reach

#: Live sessions at the day's peak.
SIZES = (1_000_000, 100_000_000, 1_000_000_000)


def plan(costs: Costs, machine: Mapping[str, str], host: Host = HOST) -> dict[str, Any]:
    """Return what each kind of site needs at each size, and from what that was computed."""
    return {
        "machine": dict(machine),
        "costs": asdict(costs),
        "host": asdict(host),
        "kinds": [_kind(kind, simulate(kind), costs, host) for kind in KINDS],
    }


def _kind(kind: Kind, day: Day, costs: Costs, host: Host) -> dict[str, Any]:
    found = [carry(day, sessions, costs, host) for sessions in SIZES]
    return {
        "kind": asdict(kind),
        "reach": reach(day, costs, host),
        "sizes": [{"load": asdict(load), "needs": asdict(needs)} for load, needs in found],
        "ends a second": [rate * SIZES[1] for rate in day.ends],
    }
