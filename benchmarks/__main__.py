"""``python -m benchmarks``: measure, print a table; with ``--docs`` also write what the docs show."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.servers import RedisServer

from . import machine, table
from .plan.costs import Costs
from .plan.document import plan
from .row import Result
from .sizes import FULL, QUICK, TINY, Scale

#: In the order in which they are run; each is a module of `benchmarks.cases`.
CASES = ("check", "site", "wiki", "audit_table", "lateness", "foreign", "million", "shards", "servers")

#: Those that are left out where it must go quickly, unless they are asked for.
LONG = ("shards", "servers")

SCALES = {scale.name: scale for scale in (FULL, QUICK, TINY)}

DOCS = Path("docs")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmarks; the exit code says whether every figure is reached."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.docs and options.only:
        parser.error("the docs show all figures: --docs goes without --only")
    scale = SCALES[options.scale]
    with RedisServer() as server, server.client() as client:
        described = machine.describe(client)
    found = Result()
    for name in options.only or _cases(scale):
        start = time.monotonic()
        result: Result = importlib.import_module(f"benchmarks.cases.{name}").run(scale)
        found.rows += result.rows
        found.series |= result.series
        found.costs |= result.costs
        print(f"{name}: {time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)
    document = {"machine": described, "scale": asdict(scale), "rows": [asdict(row) for row in found.rows]}
    document["costs"] = found.costs
    if options.json:
        print(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        print(table.table(found.rows), table.words(described, scale.name), sep="\n\n")
    if options.docs:
        _write_docs(document | {"series": found.series}, found, table.words(described, scale.name))
    return 0 if all(row.reached is not False for row in found.rows) else 1


def _write_docs(document: dict[str, Any], found: Result, words: str) -> None:
    from . import scale
    from .plots import draw

    text = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
    (DOCS / "performance.json").write_text(text, encoding="utf-8")
    draw(found.series, DOCS)
    table.write_between(DOCS / "performance.md", f"{words}\n\n{table.table(found.rows)}")
    table.write_between(Path("README.md"), table.sentence(found.rows))
    scale.write(plan(Costs.of(found.costs), document["machine"]))


def _cases(scale: Scale) -> tuple[str, ...]:
    return tuple(name for name in CASES if scale is not QUICK or name not in LONG)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="benchmarks", description="Measures ours and the alternatives, in turn.")
    parser.add_argument("--scale", choices=SCALES, default=FULL.name, help="how much is measured")
    parser.add_argument("--only", action="append", choices=CASES, metavar="NAME", help=f"one of {', '.join(CASES)}")
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    parser.add_argument("--docs", action="store_true", help="write table, JSON and plots into docs/")
    return parser


if __name__ == "__main__":
    sys.exit(main())
