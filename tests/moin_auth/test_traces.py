"""Nothing that one reader leaves behind is shown to the next."""

from __future__ import annotations

import time

import pytest

from .conftest import NAME


@pytest.fixture
def diary(wiki):
    """A page that only sally may read."""
    wiki.put("Home", "hello", acl="All:read")
    wiki.put("Diary", "dear diary", acl="sally:read All:")


@pytest.fixture
def sally(wiki, people, store, diary):
    """A browser whose user has read her diary, and how to log her out elsewhere."""
    token = people("sally")
    reader = wiki.reader(token)
    assert "dear diary" in reader.get("/Diary").text
    assert "Diary" in reader.get("/Home").text  # by its trail
    reader.log_out = lambda: store.end(store.read(token).ref, "logout")
    return reader


def test_the_trail_of_pages_goes_with_a_log_out(sally):
    sally.log_out()
    assert "Diary" not in sally.get("/Home").text


def test_the_trail_of_pages_goes_with_another_user(sally, people):
    sally.set_cookie(NAME, people("harry", user_id="2").value, domain="localhost")
    assert "Diary" not in sally.get("/Home").text


def test_the_trail_of_pages_goes_at_whatever_request_comes_first(sally):
    sally.log_out()
    sally.get("/+feed/atom?login_submit=1&stage=x")
    with sally.session_transaction() as session:
        assert dict(session) == {}


def test_the_trail_of_pages_outlasts_a_new_session_of_the_same_user(sally, people):
    sally.log_out()
    sally.set_cookie(NAME, people("sally").value, domain="localhost")
    assert "Diary" in sally.get("/Home").text


def test_the_trail_of_pages_outlasts_a_log_in(wiki, people, diary):
    reader = wiki.reader()
    reader.get("/Home")
    reader.set_cookie(NAME, people("sally").value, domain="localhost")
    with reader.session_transaction() as session:
        assert session["trail"]


def test_a_session_from_before_our_time_is_emptied(wiki, diary):
    reader = wiki.reader()
    with reader.session_transaction() as session:
        session |= {"user.itemid": "0" * 32, "user.auth_method": "moin", "trail": [("Diary", [])]}
    assert "Diary" not in reader.get("/Home").text


def test_nobody_is_revived_from_a_session_that_mixes_two_users(wiki, sally, people):
    with sally.session_transaction() as session:
        session |= {"site_user": "2", "user.auth_method": "external_cookie"}
    sally.set_cookie(NAME, people("harry", user_id="2").value, domain="localhost")
    assert wiki.name(sally, "/Home?login_submit=1&stage=x") is None


def test_messages_are_for_whom_they_were_meant(wiki, sally, people):
    with sally.session_transaction() as session:
        session["_flashes"] = [("info", "for sally's eyes only")]
    sally.set_cookie(NAME, people("harry", user_id="2").value, domain="localhost")
    assert "eyes only" not in sally.get("/Home").text


def test_a_feed_is_made_for_each_reader(wiki, sally, people):
    # The newest page is one that everybody may read: moin looks for a ready-made feed by that page's revision.
    wiki.put("News", "read all about it", acl="All:read", mtime=int(time.time()) + 9)
    harry = wiki.reader(people("harry", user_id="2"))
    assert "dear diary" in sally.get("/+feed/atom").text
    for reader in (harry, wiki.reader()):
        text = reader.get("/+feed/atom").text
        assert "read all about it" in text
        assert "diary" not in text


def test_a_feed_is_made_once_for_a_reader(wiki):
    wiki.put("Home", "hello", acl="All:read")
    reader = wiki.reader()
    assert reader.get("/+feed/atom").text == reader.get("/+feed/atom").text  # its time of making included


def test_a_feed_speaks_of_the_host_that_it_was_asked_from(wiki):
    wiki.put("Home", "hello", acl="All:read")
    wiki.reader().get("/+feed/atom", headers={"Host": "evil.example"})
    assert "evil.example" not in wiki.reader().get("/+feed/atom").text


def test_what_is_made_for_a_user_is_kept_out_of_shared_caches(sally):
    for path in ("/Diary", "/+get/Diary", "/+download/Diary", "/+feed/atom", "/+history", "/+nothing"):
        headers = sally.get(path).headers
        assert headers["Cache-Control"] == "private, no-cache", path
        assert "Cookie" in headers["Vary"], path
        assert "Expires" not in headers, path


def test_a_file_that_was_cached_is_asked_for_again_after_a_log_out(sally):
    etag = sally.get("/+get/Diary").headers["ETag"]
    assert sally.get("/+get/Diary", headers={"If-None-Match": etag}).status_code == 304
    sally.log_out()
    assert sally.get("/+get/Diary", headers={"If-None-Match": etag}).status_code == 403


def test_a_page_that_forbids_more_keeps_its_word(wiki, sally):
    wiki.app.after_request_funcs.setdefault(None, []).append(
        lambda response: response.headers.update({"Cache-Control": "no-store"}) or response
    )
    assert sally.get("/Home").headers["Cache-Control"] == "no-store"


def test_anonymous_pages_and_static_files_are_cached_as_ever(wiki, sally):
    assert "public" in wiki.reader().get("/+get/Home").headers["Cache-Control"]
    with sally.get("/static/css/common.css") as static:
        assert static.status_code == 200
        assert "private" not in static.headers.get("Cache-Control", "")
