"""``python -m benchmarks.scale``: what many sessions need, computed from what `make bench` has measured of few."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from . import table
from .plan.costs import MEASURED, Costs
from .plan.document import plan
from .plan.needs import HOST, Host
from .plan.page import text

DOCS = Path("docs")


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the plan, or write it into the docs; the exit code says whether there was anything to compute it from."""
    parser = argparse.ArgumentParser(prog="benchmarks.scale", description="Computes what many sessions need.")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    parser.add_argument("--docs", action="store_true", help="write docs/scale.md's tables, scale.json and scale.svg")
    for field in fields(Host):
        parser.add_argument(f"--{field.name}", type=float, help=f"of one machine; {field.default:g} unless given")
    options = parser.parse_args(arguments)
    host = replace(HOST, **{f.name: value for f in fields(Host) if (value := getattr(options, f.name)) is not None})
    try:
        found = plan(Costs.read(), json.loads(MEASURED.read_text(encoding="utf-8"))["machine"], host)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    print(json.dumps(found, indent=1, ensure_ascii=False) if options.json else text(found))
    if options.docs:
        write(found)
    return 0


def write(found: Mapping[str, Any]) -> None:
    """Write a plan into the docs."""
    from .plan.plot import draw

    (DOCS / "scale.json").write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    draw(found, DOCS)
    table.write_between(DOCS / "scale.md", text(found))


if __name__ == "__main__":
    sys.exit(main())
