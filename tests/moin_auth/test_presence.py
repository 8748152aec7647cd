"""Being in the wiki counts as being online, where the site counts."""

from __future__ import annotations

import pytest

from session_store.presence import list_online, report_member
from tests.servers import RedisServer

WINDOW = 60_000


@pytest.fixture
def online(store):
    """Who is online by now, on a site that counts."""
    keys = store.keys.online
    store.run(report_member(keys, "9", "the site's own", window=WINDOW))

    def names() -> set[str]:
        return {member.name for member in store.run(list_online(keys, window=WINDOW, limit=10)).seen} - {
            "the site's own"
        }

    return names


def visit(reader, path: str = "/Home") -> None:
    """Read a page to its end, as a browser does."""
    reader.get(path).close()


def test_a_reader_of_the_wiki_is_online(wiki, people, online):
    visit(wiki.reader(people("sally")))
    assert online() == {"sally"}


def test_nobody_is_online_by_a_dead_cookie(wiki, people, store, online):
    token = people("sally")
    store.end(store.read(token).ref, "logout")
    visit(wiki.reader(token))
    visit(wiki.reader())
    assert online() == set()


def test_a_file_is_no_visit(wiki, people, online):
    visit(wiki.reader(people("sally")), "/static/css/common.css")
    assert online() == set()


def test_a_reader_is_reported_now_and_then(wiki, people, store, raw, online):
    reader = wiki.reader(people("sally"))
    visit(reader)
    raw.config_resetstat()
    visit(reader)
    assert raw.info("commandstats")["cmdstat_evalsha"]["calls"] == 1  # the look at the session


def test_a_site_that_does_not_count_is_told_nothing(wiki, people, raw):
    visit(wiki.reader(people("sally")))
    assert not [key for key in raw.scan_iter() if b"online" in key]


def test_a_redis_that_goes_away_in_between_fails_no_request(make_wiki, people, store, caplog):
    with RedisServer() as server:
        wiki = make_wiki(redis_url=server.url)
        token = people("sally", on=server.url)
        response = wiki.reader(token).get("/Home")
        server.kill()
        response.close()
        assert "can't say who is online" in caplog.text
        server.start()
