"""conf/wiki-audit.conf under a real supervisord, with a site whose database is migrated."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from session_store import Store
from tests.acceptance.demos import ROOT
from tests.acceptance.test_conf import CONF, _parse
from tests.session_store.samples import SALLY, opened, ref_of
from tests.wait import wait_until

#: A project's manage.py, without what django-admin writes around it.
MANAGE = (
    "import sys\nfrom django.core.management import execute_from_command_line\nexecute_from_command_line(sys.argv)\n"
)

SUPERVISORD = """\
[supervisord]
nodaemon=true
pidfile={directory}/supervisord.pid
logfile={directory}/supervisord.log
childlogdir={directory}

[include]
files={directory}/wiki-audit.conf
"""


@pytest.fixture
def environment(tmp_path: Path, store: Store) -> dict[str, str]:
    """What the program's section asks for, and where the tests' site has its servers."""
    settings = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(tmp_path / "db.sqlite3")}
    return {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "DJANGO_SETTINGS_MODULE": "tests.django_hooks.settings_process",
        "WIKI_LOG_DIR": str(tmp_path),
        "WIKI_SITE_DIR": str(tmp_path),
        "TEST_DATABASE": json.dumps(settings),
        "TEST_REDIS": store.config.redis_url,
    }


@pytest.fixture
def supervisord(tmp_path: Path, environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    (tmp_path / "manage.py").write_text(MANAGE)
    (tmp_path / "supervisord.conf").write_text(SUPERVISORD.format(directory=tmp_path))
    (tmp_path / "wiki-audit.conf").write_text((CONF / "wiki-audit.conf").read_text())
    words = [sys.executable, "-m", "supervisor.supervisord", "-c", str(tmp_path / "supervisord.conf")]
    process = subprocess.Popen(words, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(60)


def rows(database: Path) -> int:
    try:
        with sqlite3.connect(database) as connection:
            (count,) = connection.execute("SELECT COUNT(*) FROM django_hooks_auditevent").fetchone()
            return int(count)
    except sqlite3.OperationalError:
        return 0


def test_the_file_has_a_program_and_nothing_else() -> None:
    assert _parse(CONF / "wiki-audit.conf").sections() == ["program:wiki-audit"]


def test_supervisord_runs_the_follower_which_waits_for_its_table_and_stops_in_time(
    tmp_path: Path, store: Store, supervisord: subprocess.Popen[bytes], environment: dict[str, str]
) -> None:
    log = tmp_path / "wiki-audit.log"
    wait_until(lambda: log.exists() and "has manage.py migrate been run?" in log.read_text(), "it to wait", 30)
    subprocess.run([sys.executable, "manage.py", "migrate", "-v", "0"], cwd=tmp_path, env=environment, check=True)
    token = opened(store)
    store.end(ref_of(token, SALLY), "logout")
    wait_until(lambda: rows(tmp_path / "db.sqlite3") == 2, "start and end in the table", 30)
    begun = time.monotonic()
    supervisord.terminate()
    assert supervisord.wait(60) == 0
    assert time.monotonic() - begun < _parse(CONF / "wiki-audit.conf")["program:wiki-audit"].getint("stopwaitsecs")
    assert "stopped: wiki-audit (exit status 0)" in (tmp_path / "supervisord.log").read_text()
