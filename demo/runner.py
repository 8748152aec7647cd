"""The demo from start to stop."""

from __future__ import annotations

import os
import sys
import time

from .audit_line import AuditLine
from .banner import banner
from .config import Config
from .errors import DemoError
from .first_run import make_directories, prepare, program_environment
from .follow import Follower
from .lock import only_one
from .readiness import check_ports, check_redis, wait_until_up
from .signals import StopSignals
from .supervisord import Supervisord

#: Seconds between looks at the audit log: what happens shows at once, and looking costs nothing.
LOOK = 0.1


def main() -> int:
    """Run the demo until a signal stops it; return the exit code."""
    os.umask(0o077)  # secrets, sessions, addresses: nothing here is for other users
    try:
        config = Config.from_env(os.environ)
        make_directories(config)
        with only_one(config.var / "lock"), StopSignals() as stop:
            _run(config, stop)
    except DemoError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _run(config: Config, stop: StopSignals) -> None:
    begun = time.monotonic()
    check_ports(config)
    check_redis(config)
    environ = program_environment(config)
    prepare(config, environ)
    follower = Follower(config.audit_log)
    if stop.received:
        return
    with Supervisord(config, environ) as supervisord:
        if wait_until_up(config, supervisord, stop):
            print(banner(config, time.monotonic() - begun), flush=True)
            _show_audit_log(follower, supervisord, stop)
        print("\nStopping …", flush=True)
    print("All stopped.", flush=True)


def _show_audit_log(follower: Follower, supervisord: Supervisord, stop: StopSignals) -> None:
    colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    looks = 0
    while not stop.wait(LOOK):
        for line in map(AuditLine.parse, follower.new_lines()):
            if line:
                print(line.show(colour=colour), flush=True)
        looks += 1
        if looks % 10 == 0:
            supervisord.check()
