"""Claiming a name is done by one request at a time, whatever the number of processes."""

from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack

import pytest

from .first_visit import open_wiki


@pytest.fixture
def visit_at_once(redis_server, tmp_path):
    """Visit a wiki from as many processes as there are tokens, all at the same moment."""

    def visit(tokens):
        command = [sys.executable, "-m", "tests.moin_auth.first_visit", tmp_path, redis_server.url]
        with ExitStack() as stack:
            visitors = [
                stack.enter_context(
                    subprocess.Popen(
                        [*command, token.value],
                        stdin=subprocess.PIPE,
                        stdout=subprocess.PIPE,
                        stderr=subprocess.DEVNULL,
                        text=True,
                    )
                )
                for token in tokens
            ]
            for visitor in visitors:
                stack.callback(visitor.kill)
            assert {visitor.stdout.readline() for visitor in visitors} == {"ready\n"}
            for visitor in visitors:
                visitor.stdin.write("go\n")
                visitor.stdin.flush()
            return [visitor.stdout.readline().strip() for visitor in visitors]

    return visit


def test_of_several_processes_each_user_gets_one_profile_and_each_name_one_user(
    redis_server, tmp_path, people, visit_at_once
):
    wiki = open_wiki(tmp_path, redis_server.url)
    tokens = [people("sally", user_id="1"), people("sally", user_id="1"), people("Sally", user_id="2")]
    one, other, rival = visit_at_once(tokens)
    assert one == other
    assert (one, rival) in {("sally", "None"), ("None", "Sally")}
    (profile,) = wiki.profiles()
    assert wiki.revisions_of(profile["itemid"]) == 1
