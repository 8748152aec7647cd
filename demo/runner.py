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
from .readiness import check_ports, wait_until_up
from .redis_kind import Redis, redis_of
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
    redis = redis_of(config, stop)
    check_ports(config)
    redis.check()
    environ = program_environment(config, redis)
    prepare(config, redis, environ)
    follower = Follower(config.audit_log)
    if stop.received:
        return
    with Supervisord(config, environ) as supervisord:
        if wait_until_up(config, redis, supervisord, stop):
            print(banner(config, redis, time.monotonic() - begun), flush=True)
            _show(follower, redis, supervisord, stop)
        print("\nStopping …", flush=True)
    print("All stopped.", flush=True)


def _show(follower: Follower, redis: Redis, supervisord: Supervisord, stop: StopSignals) -> None:
    colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    looks = 0
    while not stop.wait(LOOK):
        for line in map(AuditLine.parse, follower.new_lines()):
            if line:
                print(line.show(colour=colour), flush=True)
        for news in redis.news():
            print(news, flush=True)
        looks += 1
        if looks % 10 == 0:
            supervisord.check()
