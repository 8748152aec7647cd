from __future__ import annotations

import pytest
import redis
from redis.exceptions import AuthenticationError, ClusterDownError, ResponseError

from session_store import Config, StoreUnavailable
from session_store.trouble import unavailable
from worker.absences import Absences

CONFIG = Config(redis_url="redis+cluster://127.0.0.1:7001")


@pytest.fixture(autouse=True)
def _everything(caplog):
    caplog.set_level("INFO")


@pytest.fixture
def absences() -> Absences:
    return Absences(lambda server: f"what is at {server} waits")


def refused(node: str) -> StoreUnavailable:
    return unavailable(CONFIG, redis.ConnectionError("Connection refused"), node)


def forbidden(node: str) -> StoreUnavailable:
    return unavailable(CONFIG, ResponseError("has no permissions to run the 'zcard' command"), node)


def test_a_server_that_many_wait_for_is_told_of_once_and_so_is_its_return(absences, caplog):
    for who in ("sweeper 1", "auditor 1", "sweeper 4", "auditor 4"):
        absences.begin(who, refused("a:7001"))
    assert caplog.messages == ["what is at a:7001 waits: Redis at a:7001: Connection refused"]
    for who in ("sweeper 1", "auditor 1", "auditor 4"):
        absences.end(who)
    assert len(caplog.messages) == 1
    absences.end("sweeper 4")
    assert caplog.messages[1:] == ["what waited for Redis at a:7001 goes on after 0.0 s"]


def test_each_server_and_each_absence_is_one_of_its_own(absences, caplog):
    for _ in range(2):
        absences.begin("sweeper 1", refused("a:7001"))
        absences.begin("sweeper 2", refused("b:7001"))
        absences.end("sweeper 1")
        absences.end("sweeper 2")
    assert len(caplog.messages) == 8


def test_any_other_trouble_is_told_of_each_role(absences, caplog):
    absences.begin("sweeper 1", refused("a:7001"))
    absences.begin("sweeper 2", forbidden("a:7001"))
    absences.begin("auditor 2", forbidden("a:7001"))
    assert [message.partition(": ")[0] for message in caplog.messages[1:]] == ["sweeper 2 waits", "auditor 2 waits"]
    absences.end("auditor 2")
    absences.end("sweeper 1")
    assert caplog.messages[3:] == [
        "auditor 2 goes on after 0.0 s",
        "what waited for Redis at a:7001 goes on after 0.0 s",
    ]


def test_who_has_not_waited_goes_on_without_a_word(absences, caplog):
    absences.begin("sweeper 1", refused("a:7001"))
    absences.end("sweeper 2")
    assert len(caplog.messages) == 1


@pytest.mark.parametrize(
    ("error", "lost"),
    [
        (redis.ConnectionError("Connection refused"), True),
        (redis.TimeoutError("Timeout reading from socket"), True),
        (AuthenticationError("WRONGPASS"), True),
        (ClusterDownError("CLUSTERDOWN The cluster is down"), True),
        (ResponseError("WRONGTYPE sso:{0}:sessions holds a string, not a zset"), False),
        (ResponseError("has no permissions to run the 'zcard' command"), False),
        (ResponseError("OOM command not allowed when used memory > 'maxmemory'"), False),
    ],
)
def test_a_server_is_lost_where_everybody_meets_the_same_whatever_is_asked(error, lost):
    assert unavailable(CONFIG, error).lost is lost
