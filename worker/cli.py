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
from pathlib import Path

from session_store import ConfigurationError, Store, StoreUnavailable, verbs
from session_store.address import Kind
from session_store.status import read_status
from session_store.stopping import stop_on_signals

from .acl import lines
from .config import WorkerConfig
from .diagnosis import diagnose
from .verify import Findings, known_sids, note_missing, verify
from .work import WAYS, work

#: Seconds for which one thread may keep the others waiting: those that talk to Redis do little between two answers, and
#: Python's own 5 ms are as long as what they wait for.
SWITCH = 0.0005


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
    try:
        code: int = options.command(config, options)
    except (StoreUnavailable, OSError) as error:
        print(f"wiki-worker: {error}", file=sys.stderr)
        return Exit.WRONG
    return code


def _run(config: WorkerConfig, options: argparse.Namespace) -> int:
    logging.basicConfig(
        level=logging.DEBUG if options.verbose else logging.INFO,
        format="%(asctime)s %(levelname)-7s %(name)s: %(message)s",
    )
    # What redis-py says of nodes that are away, with its stack, the worker says itself.
    logging.getLogger("redis").setLevel(logging.ERROR)
    sys.setswitchinterval(SWITCH)
    with stop_on_signals() as stop:
        worked = work(config, stop, ways=tuple(options.only or WAYS))
    return Exit.OK if worked else Exit.WRONG


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


def _status(config: WorkerConfig, options: argparse.Namespace) -> int:
    status = read_status(Store(config.store), partly=True)
    print(status.to_json() if options.json else status.to_text())
    return Exit.WRONG if status.away else Exit.OK


def _users(config: WorkerConfig, options: argparse.Namespace) -> int:
    store = config.store
    cluster = store.address.kind is Kind.CLUSTER
    for line in lines(store.redis_prefix, store.address.database, selectors=not options.redis6, cluster=cluster):
        print(line)
    return Exit.OK


def _verify(config: WorkerConfig, options: argparse.Namespace) -> int:
    size = sum(path.stat().st_size for path in options.files) or 1
    shown = sys.stderr.isatty()

    def progress(read: int) -> None:
        if shown:
            print(f"\r{min(100, read * 100 // size):3d} %", end="", file=sys.stderr, flush=True)

    findings = verify(options.files, progress=progress)
    if shown:
        print("\r     \r", end="", file=sys.stderr)
    looked = True
    try:
        if findings.started:
            note_missing(findings, known_sids(Store(config.store)))
    except StoreUnavailable as error:
        looked = False
        print(f"starts without an end were not looked at: {error}", file=sys.stderr)
    _print_findings(findings, looked=looked, as_json=options.json)
    return Exit.WRONG if findings.problems else Exit.OK


def _print_findings(findings: Findings, *, looked: bool, as_json: bool) -> None:
    """Print them; whether what has not ended lives is only known where Redis was looked at."""
    live = len(findings.started) - findings.missing.count if looked else None
    if as_json:
        problems = [asdict(problem) for problem in findings.problems]
        counts = {"lines": findings.lines, "ends": findings.ends, "live": live, "problems": problems}
        print(json.dumps(counts, indent=2))
        return
    rest = f"{live} live" if looked else f"{len(findings.started)} that have not ended"
    print(f"{findings.lines} lines, {findings.ends} ends, {rest}")
    for problem in findings.problems:
        print(f"{problem.count} {problem.text}, such as {', '.join(problem.examples[:3])}")
    if not findings.problems:
        print("every event once, every end after its start" + (", every start ended or alive" if looked else ""))


def _forget(config: WorkerConfig, options: argparse.Namespace) -> int:
    store = Store(config.store)
    store.learn()
    forgotten = [store.run(verbs.forget_reader(keys, options.reader)) for keys in store.keys.shards]
    if not any(forgotten):
        print(f"there is no reader {options.reader!r}; wiki-worker status lists them", file=sys.stderr)
        return Exit.WRONG
    print(f"{options.reader!r} is forgotten; the stream no longer waits for it")
    return Exit.OK


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
    status = commands.add_parser("status", help="say how things stand, as Redis knows it")
    status.add_argument("--json", action="store_true", help="for machines")
    status.set_defaults(command=_status)
    users = commands.add_parser("users", help="print the ACL users of site, wiki and worker, for Redis' aclfile")
    users.add_argument("--redis6", action="store_true", help="for Redis 6.2, which knows no selectors")
    users.set_defaults(command=_users)
    audit = commands.add_parser("audit", help="look after the audit log").add_subparsers(required=True, metavar="WHAT")
    check_log = audit.add_parser("verify", help="hold audit logs against what they promise; exit code 0 or 1")
    check_log.add_argument("files", nargs="+", type=Path, metavar="FILE", help="the oldest first")
    check_log.add_argument("--json", action="store_true", help="for machines")
    check_log.set_defaults(command=_verify)
    forget = audit.add_parser("forget", help="let the stream no longer wait for a reader that is gone")
    forget.add_argument("reader", metavar="READER", help="its name, as status shows it")
    forget.set_defaults(command=_forget)
    return parser
