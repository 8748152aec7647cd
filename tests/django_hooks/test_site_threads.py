"""Many requests of one browser at once, in threads, as a page with many pictures makes them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from .conftest import NAME, Browser, ends_of, starts_of

pytestmark = pytest.mark.django_db(transaction=True)

#: Requests at once, and threads that make them.
MANY, THREADS = 200, 16


@pytest.fixture(autouse=True)
def _sessions_that_threads_share(settings, tmp_path):
    # Threads have no database in memory in common.
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.file"
    settings.SESSION_FILE_PATH = str(tmp_path)
    settings.WIKI_REDIS_TIMEOUT = 15


@pytest.fixture
def cookies(browser):
    browser.log_in()
    return {"sessionid": browser.cookies["sessionid"].value, NAME: browser.wiki_cookie}


def ask(site, cookies, path):
    copy = Browser(site)
    for name, value in cookies.items():
        copy.cookies[name] = value
    copy.get(path)
    connection.close()
    return copy.wiki_cookie


def at_once(site, cookies, *paths):
    with ThreadPoolExecutor(THREADS) as pool:
        return set(pool.map(lambda n: ask(site, cookies, paths[n % len(paths)]), range(MANY)))


def test_after_redis_was_emptied_they_open_one_session(site, cookies):
    site.redis.flushall()
    assert len(at_once(site, cookies, "/untouched/", "/who/")) == 1
    assert len(starts_of(site)) == site.count() == 1


def test_a_lost_session_ends_once_and_one_takes_its_place(site, cookies, browser):
    sid = browser.wiki_session.ref.sid
    site.redis.delete(site.keys.shards[0].session(sid))
    assert len(at_once(site, cookies, "/untouched/")) == 1
    assert ends_of(site) == [(sid, "lost")]
    assert len(starts_of(site)) == 2
    assert site.count() == 1


def test_without_a_note_they_open_one_session(site, cookies, browser):
    session = browser.session
    del session["_wiki_session"]
    session.save()
    site.redis.flushall()
    assert len(at_once(site, cookies, "/untouched/")) == 1
    assert site.count() == 1


def test_a_log_out_among_them_is_the_last_word(site, cookies):
    site.redis.flushall()
    at_once(site, cookies, *["/untouched/"] * 9, "/leave/")
    assert site.count() == 0
