"""A worker that Redis refuses says why, waits, and goes on when that is mended."""

from __future__ import annotations

import pytest

from tests.refusals import REFUSALS, SECRET, refused_url, refusing_server

from .processes import run_command


@pytest.fixture(scope="module")
def server():
    with refusing_server() as server:
        yield server


@pytest.mark.parametrize("who", REFUSALS)
def test_check_says_who_is_refused_and_what_to_do(server, who):
    done = run_command(refused_url(server, who), "check")
    assert done.returncode == 1
    assert "→" in done.stdout
    assert SECRET not in done.stdout + done.stderr


@pytest.mark.unguarded
def test_it_waits_for_the_right_password_and_takes_it_from_its_file(start_worker, server, tmp_path):
    file = tmp_path / "password"
    file.write_text("the-old-one\n")
    worker = start_worker(url=refused_url(server, ""), WIKI_REDIS_PASSWORD_FILE=str(file))
    worker.wait_for_log("the worker waits: Redis at 127.0.0.1")
    assert "refuses the password of the default user" in worker.log
    file.write_text("the-right-one\n")
    worker.wait_for_log("what waited for Redis at 127.0.0.1")
    assert worker.stop() == 0
    assert "the-old-one" not in worker.log


def test_it_does_not_start_without_the_file_that_is_to_hold_the_password(server, tmp_path):
    done = run_command(refused_url(server, ""), "run", WIKI_REDIS_PASSWORD_FILE=str(tmp_path / "nowhere"))
    assert done.returncode == 2
    assert f"names {tmp_path}/nowhere, which can't be read: No such file or directory" in done.stderr


def test_no_command_shows_a_password(server):
    url = refused_url(server, f":{SECRET}@")
    for words in (("check",), ("status",), ("status", "--json"), ("audit", "forget", "x")):
        done = run_command(url, *words)
        assert done.returncode == 1
        assert SECRET not in done.stdout + done.stderr
