"""Pages are made without the list, within the timeout, and the log says so once a minute."""

from __future__ import annotations

import time

import pytest

from tests.servers import RedisServer, free_port

from .conftest import browser, log_in, new_process


@pytest.fixture
def no_redis(club, settings):
    settings.WIKI_REDIS_URL = f"redis://127.0.0.1:{free_port()}/0"


def test_pages_are_made_without_the_list(no_redis, caplog):
    visitor = browser()
    log_in(visitor)
    for _ in range(3):
        new_process()
        response = visitor.get("/page/")
        assert response.status_code == 200
        assert "whos-online" not in response.content.decode()
    visitor.get("/leave/")
    said = [record.message.split("; ")[-1] for record in caplog.records]
    assert sorted(said) == ["who is online is not noted", "who is online is not shown"]


def test_a_hung_redis_costs_a_page_one_timeout(club, settings):
    settings.WIKI_REDIS_TIMEOUT = 0.2
    with RedisServer() as server:
        settings.WIKI_REDIS_URL = server.url
        visitor = browser()
        visitor.get("/page/")
        new_process()
        server.pause()
        start = time.monotonic()
        assert visitor.get("/page/").status_code == 200
        assert time.monotonic() - start < 0.5
        server.resume()
