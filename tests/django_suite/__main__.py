"""Django's own tests of log-ins and sessions, with our app and middleware installed: ``python -m tests.django_suite``.

They come from the source distribution of the installed Django, which pip fetches into a directory beside the
environment, once.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from pathlib import Path

import django

from tests.servers import RedisServer

ROOT = Path(__file__).parents[2]

#: What is tried: each a process of its own, with a key prefix of its own, as both have a user 1.
SUITES = ("auth_tests", "sessions_tests")


def main() -> int:
    """Run them; return 0 where all have passed."""
    source = fetch(Path(sys.prefix) / "django-source")
    with RedisServer() as server:
        runs = [start(source, suite, server.url) for suite in SUITES]
        codes = [run.wait() for run in runs]
        with server.client() as client:
            opened = client.xlen("auth_tests:{0}:audit")
    print(f"Django {django.get_version()}: exit codes {codes}; {opened} starts and ends of wiki sessions meanwhile")
    # Without any, the middleware was not there, and nothing was tried.
    return int(any(codes) or not opened)


def fetch(directory: Path) -> Path:
    """Return the sources of the installed Django."""
    version = django.get_version()
    source = directory / f"django-{version}"
    if not (source / "tests").is_dir():
        words = ["pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-binary", "django"]
        subprocess.run([sys.executable, "-m", *words, "--dest", str(directory), f"django=={version}"], check=True)
        with tarfile.open(directory / f"django-{version}.tar.gz") as archive:
            archive.extractall(directory, filter="data")
    return source


def start(source: Path, suite: str, url: str) -> subprocess.Popen[bytes]:
    """Begin to run one."""
    words = ["runtests.py", suite, "--settings=tests.django_suite.settings", "--parallel=1"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TEST_REDIS": url, "TEST_PREFIX": suite}
    return subprocess.Popen([sys.executable, *words], cwd=source / "tests", env=environment)


if __name__ == "__main__":
    sys.exit(main())
