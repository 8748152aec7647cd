"""The plan as people read it: Markdown, which also stands in docs/scale.md."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from benchmarks.table import number


def size(count: float) -> str:
    """Return bytes as people say them, in powers of ten."""
    for unit in ("bytes", "kB", "MB", "GB", "TB"):
        if count < 1000:
            return f"{number(count)} {unit}"
        count /= 1000
    return f"{number(count)} PB"


def people(count: float) -> str:
    """Return how many, in words where it is many."""
    for unit, word in ((1e9, "G"), (1e6, "M")):
        if count >= unit:
            return f"{number(count / unit)} {word}"
    return number(count)


def _shards(load: Mapping[str, Any], needs: Mapping[str, Any]) -> str:
    return f"{load['shards']:,}{'' if needs['evenly'] else ', and slots moved by hand'}"


def _servers(needs: Mapping[str, Any]) -> str:
    return f"{needs['primaries']:,} + {needs['servers'] - needs['primaries']:,}"


def _cores(cores: float) -> str:
    return f"{number(cores)} ({'one worker' if cores <= 1 else 'too much for one'})"


def _minutes(minutes: float | None) -> str:
    if minutes is None:
        return "never"
    return f"{number(minutes)} min" if minutes >= 1 else f"{number(minutes * 60)} s"


def _days(days: float) -> str:
    return "over ten years" if days > 3652 else f"{number(days)} days"


#: A figure's name, and how it is read from what one size asks for and needs.
ROWS: dict[str, Callable[[Mapping[str, Any], Mapping[str, Any]], str]] = {
    "log-ins a second": lambda load, _: number(load["log_ins"]),
    "checks a second": lambda load, _: number(load["checks"]),
    "ends a second": lambda load, _: number(load["ends"]),
    "ends in the busiest second": lambda load, _: number(load["ends_in_a_second"]),
    "Redis' cores in use": lambda load, _: number(load["core"]),
    "data": lambda load, _: size(load["memory"]),
    "Redis servers: primaries + replicas": lambda _, needs: _servers(needs),
    "memory of all of them": lambda _, needs: size(needs["memory"]),
    "what asks for that many": lambda _, needs: needs["why"] if needs["primaries"] > 1 else "one is enough",
    "`WIKI_REDIS_SHARDS`": _shards,
    "sessions a shard": lambda _, needs: number(needs["per_shard"]),
    "network, all servers": lambda load, _: f"{size(load['network'])}/s",
    "cores for workers": lambda _, needs: _cores(needs["workers"]),
    "an hour without a worker is caught up in": lambda _, needs: _minutes(needs["catch_up"]),
    "audit log a day": lambda load, _: size(load["audit"]),
    "the disk holds that for": lambda _, needs: _days(needs["days"]),
}


def text(plan: Mapping[str, Any]) -> str:
    """Return the tables: what one server carries; then each kind of site at each size."""
    tables = (f"**{kind['kind']['name']}**\n\n" + "\n".join(_table(kind["sizes"])) for kind in plan["kinds"])
    return "\n\n".join([_from(plan), _costs(plan["costs"]), _reach(plan["kinds"]), *tables])


def _from(plan: Mapping[str, Any]) -> str:
    machine, host, copied = plan["machine"], plan["host"], number(100 * plan["costs"]["copied"])
    return (
        f"Computed from what was measured by `make bench` on {machine['when']}: {machine['processor']}, "
        f"{machine['server']}, Python {machine['python']}; {machine['load']}. A machine is taken to have "
        f"{size(host['memory'])} of memory, {size(host['network'])}/s of network that may be used, and a disk of "
        f"{size(host['disk'])} for the audit log. At the day's peak {host['core']:.0%} of a core is used, and "
        f"{host['full']:.0%} of memory: the data, and {copied} % more while Redis rewrites "
        f"the append-only file. Each primary has one replica, and a machine of its own."
    )


def _costs(costs: Mapping[str, float]) -> str:
    lines = [
        "| measured, for one | log-in | check | renewal | end | end, of many at once |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for what, unit, kind in (
        ("Redis' processor", "µs", "redis"),
        ("the worker's processor", "µs", "worker"),
        ("to and from clients", "bytes", "net"),
        ("to a replica", "bytes", "replica"),
        ("in the audit log", "bytes", "line"),
    ):
        names = [f"{kind}_{name}" for name in ("log_in", "check", "write", "end", "end_together")]
        names[0] = names[0] if names[0] in costs else f"{kind}_start"
        cells = (f"{number(costs[name])} {unit}" if name in costs else "" for name in names)
        lines.append(f"| {what} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _reach(kinds: list[Mapping[str, Any]]) -> str:
    names = list(kinds[0]["reach"])
    lines = [
        f"| live sessions, as far as goes | {' | '.join(names)} | first to give way |",
        "|---" + "|--:" * 4 + "|---|",
    ]
    for kind in kinds:
        reach = kind["reach"]
        first = min(reach, key=lambda name: reach[name])
        lines.append(f"| {kind['kind']['name']} | {' | '.join(people(reach[name]) for name in names)} | {first} |")
    return "\n".join(lines)


def _table(sizes: list[Mapping[str, Any]]) -> Iterator[str]:
    yield f"| live sessions | {' | '.join(people(each['load']['sessions']) for each in sizes)} |"
    yield "|---" + "|--:" * len(sizes) + "|"
    for name, read in ROWS.items():
        yield f"| {name} | {' | '.join(read(each['load'], each['needs']) for each in sizes)} |"
