"""The worker's commands."""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from enum import IntEnum

from session_store import ConfigurationError

from .config import WorkerConfig
from .diagnosis import diagnose
from .signals import stop_on_signals
from .work import WAYS, work


class Exit(IntEnum):
    """What the exit codes mean."""

    OK = 0
    WRONG = 1
    USAGE = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return its exit code."""
    options = _parser().parse_args(arguments)
    try:
        config = WorkerConfig.from_env(os.environ)
    except ConfigurationError as error:
        print(f"wiki-worker: {error}", file=sys.stderr)
        return Exit.USAGE
    command: int = options.command(config, options)
    return command


def _run(config: WorkerConfig, options: argparse.Namespace) -> int:
    logging.basicConfig(
        level=logging.DEBUG if options.verbose else logging.INFO,
        format="%(asctime)s %(levelname)-7s %(name)s: %(message)s",
    )
    with stop_on_signals() as stop:
        work(config, stop, ways=tuple(options.only or WAYS))
    return Exit.OK


def _check(config: WorkerConfig, options: argparse.Namespace) -> int:
    findings = diagnose(config)
    if options.json:
        print(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        for finding in findings:
            print(f"{finding.level:<6}{finding.topic + ':':<13}{finding.text}")
            if finding.remedy:
                print(f"{'':<19}→ {finding.remedy}")
    return Exit.WRONG if any(finding.level == "wrong" for finding in findings) else Exit.OK


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="wiki-worker",
        description="Ends sessions on time, writes each end to the audit log. Settings: WIKI_… in the environment.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    run = commands.add_parser("run", help="work until TERM")
    run.add_argument(
        "--only", action="append", choices=WAYS, help="for diagnosis: one way of knowing alone; repeatable"
    )
    run.add_argument("--verbose", action="store_true", help="also say each end")
    run.set_defaults(command=_run)
    check = commands.add_parser("check", help="say what is right and wrong with this Redis; exit code 0 or 1")
    check.add_argument("--json", action="store_true", help="for machines")
    check.set_defaults(command=_check)
    return parser
