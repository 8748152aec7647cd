"""A Redis that refuses the wiki leaves everybody anonymous there; the wiki's log says why."""

from __future__ import annotations

import pytest

from session_store import Config, Person, Store, make_nonce, make_token
from tests.refusals import REFUSALS, SECRET, refused_url, refusing_server


@pytest.fixture(scope="module")
def server():
    with refusing_server() as server:
        yield server


@pytest.mark.parametrize("who", REFUSALS)
def test_everybody_is_anonymous_and_the_log_says_why(make_wiki, caplog, server, who):
    wiki = make_wiki(redis_url=refused_url(server, who))
    token = make_token(b"the site's", make_nonce(), 0, 0)
    assert wiki.name(wiki.reader(token)) is None
    assert f"127.0.0.1:{server.port}: " in caplog.text
    assert REFUSALS[who] in caplog.text
    assert "everybody is anonymous" in caplog.text
    assert SECRET not in caplog.text


def test_the_password_may_come_from_a_file(make_wiki, server, tmp_path):
    file = tmp_path / "password"
    file.write_text("the-right-one\n")
    wiki = make_wiki(redis_url=refused_url(server, ""), redis_password_file=str(file))
    with server.client() as client:
        store = Store(Config(redis_url=server.url))
        token = make_token(b"the site's", make_nonce(), 0, 0)
        assert store.open(token, Person("1", "sally"), age=60_000).lives
        assert wiki.name(wiki.reader(token)) == "sally"
        client.flushall()
