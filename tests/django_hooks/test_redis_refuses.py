"""A Redis that refuses the site costs it the wiki's log-in alone; its log says who was refused, and what to do."""

from __future__ import annotations

import pytest

from tests.refusals import REFUSALS, SECRET, refused_url, refusing_server


@pytest.fixture(scope="module")
def server():
    with refusing_server() as server:
        yield server


@pytest.mark.parametrize("who", REFUSALS)
def test_the_site_goes_on_and_says_why_nobody_is_in_the_wiki(browser, settings, caplog, server, who):
    settings.WIKI_REDIS_URL = refused_url(server, who)
    browser.log_in()
    for _ in range(2):
        assert browser.get_text("/who/") == "sally"
    assert browser.wiki_cookie is None
    assert f"127.0.0.1:{server.port}: " in caplog.text
    assert REFUSALS[who] in caplog.text
    assert SECRET not in caplog.text


def test_a_password_that_was_changed_is_taken_from_its_file(browser, settings, server, tmp_path):
    file = tmp_path / "password"
    file.write_text("the-old-one\n")
    settings.WIKI_REDIS_URL = refused_url(server, "")
    settings.WIKI_REDIS_PASSWORD_FILE = str(file)
    browser.log_in()
    assert browser.wiki_cookie is None
    file.write_text("the-right-one\n")
    browser.get_text("/who/")
    assert browser.wiki_cookie is not None
