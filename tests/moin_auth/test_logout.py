"""Logout ends the session for site and wiki, when the reader has asked for it, and never a foreign page."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
from flask.testing import FlaskClient
from moin.auth import GivenAuth

from session_store import Token
from tests.servers import free_port

from .conftest import Wiki
from .test_login import SITE, THEMES


@pytest.fixture(scope="module")
def lasting_wiki(make_lasting_wiki) -> Wiki:
    return make_lasting_wiki(site_url=SITE)


@pytest.fixture
def wiki(lasting_wiki, store) -> Iterator[Wiki]:
    theme = lasting_wiki.app.cfg.theme_default
    yield lasting_wiki
    lasting_wiki.app.cfg.theme_default = theme


def logout_link(client: FlaskClient, path: str = "/Home?a=b", root: str = "http://localhost/") -> str:
    """Return where the one Logout link of a page leads."""
    text = client.get(path, base_url=root).text
    links = {html.unescape(link) for link in re.findall(r'href="([^"]*/\+logout[?"][^"]*)"', text)}
    assert len(links) == 1, links
    return links.pop().removeprefix(urlsplit(root).path[:-1])


def reason_of(store, token: Token) -> str | None:
    (check,) = store.check([token])
    return check.ended


@pytest.mark.parametrize("theme", THEMES)
def test_the_link_of_every_theme_ends_the_session_and_leads_to_the_site(wiki, people, store, theme):
    wiki.app.cfg.theme_default = theme
    token = people()
    reader = wiki.reader(token)
    response = reader.get(logout_link(reader))
    assert reason_of(store, token) == "logout"
    assert response.status_code == 303
    assert response.headers["Cache-Control"] == "no-store"
    target = urlsplit(response.location)
    assert response.location.startswith(SITE + "leave/?")
    assert parse_qs(target.query) == {"next": ["http://localhost/Home?a=b"], "key": [token.logout_key]}
    assert "sally" not in reader.get("/Home").text


@pytest.mark.parametrize("root", ["http://localhost/wiki/", "http://localhost:8080/"])
def test_below_a_path_and_on_another_port_it_works_the_same(wiki, people, store, root):
    token = people()
    reader = wiki.reader(token)
    response = reader.get(logout_link(reader, root=root), base_url=root)
    assert reason_of(store, token) == "logout"
    assert parse_qs(urlsplit(response.location).query)["next"] == [root + "Home?a=b"]


def test_back_in_the_wiki_it_says_that_one_is_logged_out_and_remembers_nothing(wiki, people):
    reader = wiki.reader(people())
    reader.get("/Home")
    reader.get(logout_link(reader, "/Home"))
    with reader.session_transaction() as session:
        assert set(session) == {"_flashes"}
    assert "You are logged out." in reader.get("/Home").text


@pytest.mark.parametrize("key", [None, "", "x" * 22, "\xe9", "the sid", "another session's"])
def test_without_the_sessions_key_it_only_asks(wiki, people, store, key):
    token, other = people(), people("harry", user_id="2")
    key = {"the sid": token.sid, "another session's": other.logout_key}.get(key, key)
    reader = wiki.reader(token)
    for answer in (
        reader.get("/+logout", query_string={"logout_submit": "1", "key": key} if key is not None else {}),
        reader.post("/+logout", data={"key": key} if key is not None else {}),
    ):
        assert answer.status_code == 200
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert "Log out?" in answer.text
    assert reason_of(store, token) is None
    assert wiki.name(reader) == "sally"


def test_the_page_that_asks_logs_out(wiki, people, store):
    token = people()
    reader = wiki.reader(token)
    text = reader.get("/+logout?next=/Home", base_url="http://localhost/wiki/").text
    (link,) = re.findall(r'<a class="moin-button" href="([^"]*)"', text)
    assert link.startswith("/wiki/+logout?")
    response = reader.get(html.unescape(link).removeprefix("/wiki"), base_url="http://localhost/wiki/")
    assert reason_of(store, token) == "logout"
    assert parse_qs(urlsplit(response.location).query)["next"] == ["http://localhost/wiki/Home"]


def test_a_post_with_the_sessions_key_logs_out(wiki, people, store):
    token = people()
    response = wiki.reader(token).post("/+logout", data={"key": token.logout_key, "next": "/Home"})
    assert reason_of(store, token) == "logout"
    assert parse_qs(urlsplit(response.location).query)["next"] == ["http://localhost/Home"]


@pytest.mark.parametrize("method", ["get", "post", "put", "head"])
@pytest.mark.parametrize(
    "path", ["/Home", "/+login", "/+search", "/+usersettings", "/+logout", "/+logout/", "/+feed/atom"]
)
def test_moins_own_field_logs_nobody_out_on_any_page(wiki, people, store, method, path):
    token = people()
    reader = wiki.reader(token)
    if method in {"get", "head"}:
        getattr(reader, method)(path + "?logout_submit=1")
    else:
        getattr(reader, method)(path + "?logout_submit=1", data={"logout_submit": "1", "part": "x"})
    assert reason_of(store, token) is None
    assert wiki.name(reader) == "sally"


def test_moins_own_field_does_not_even_show_the_page_to_nobody(wiki, people):
    assert wiki.name(wiki.reader(people()), "/Home?logout_submit=1&a=b") == "sally"


def test_a_look_ahead_at_the_link_logs_nobody_out(wiki, people, store):
    token = people()
    reader = wiki.reader(token)
    reader.head(logout_link(reader))
    assert reason_of(store, token) is None


def test_a_link_of_an_ended_session_still_leads_to_the_site(wiki, people, store):
    token = people()
    reader = wiki.reader(token)
    link = logout_link(reader)
    store.end(store.read(token).ref, "revoked")
    assert reader.get(link).location.startswith(SITE + "leave/?")
    assert reason_of(store, token) == "revoked"


def test_who_has_no_session_here_is_told_so_and_shown_the_sites_door(wiki):
    response = wiki.reader().get("/+logout?next=/Home")
    assert "You are not logged in here" in response.text
    assert f'href="{SITE}leave/?next=http%3A%2F%2Flocalhost%2FHome"' in response.text
    assert "key=" not in response.text


def test_a_strangers_page_holds_no_key(wiki):
    assert "key=" not in wiki.reader("0." + "x" * 43).get("/Home").text


def test_without_redis_the_site_does_it(make_wiki):
    wiki = make_wiki(site_url=SITE, redis_url=f"redis://127.0.0.1:{free_port()}/0")
    token = Token("0." + "x" * 43, 0)
    reader = wiki.reader(token)
    response = reader.get(f"/+logout?key={token.logout_key}")
    assert response.location == f"{SITE}leave/?next=http%3A%2F%2Flocalhost%2F&key={token.logout_key}"
    assert "You are logged out" not in reader.get("/Home").text


def test_without_redis_and_without_the_site_it_says_that_it_did_not_work(make_wiki):
    wiki = make_wiki(redis_url=f"redis://127.0.0.1:{free_port()}/0")
    token = Token("0." + "x" * 43, 0)
    response = wiki.reader(token).get(f"/+logout?key={token.logout_key}")
    assert response.status_code == 503
    assert "You are still logged in" in response.text


def test_without_the_sites_address_the_wikis_session_ends_and_the_page_stays(make_wiki, people, store):
    wiki = make_wiki()
    token = people()
    reader = wiki.reader(token)
    response = reader.get(logout_link(reader, "/Home"))
    assert response.location == "/Home"
    assert reason_of(store, token) == "logout"


def test_a_token_of_a_shard_that_is_not_there_is_no_500(wiki):
    token = Token("77." + "x" * 43, 77)
    response = wiki.reader(token).get(f"/+logout?key={token.logout_key}")
    assert response.location.startswith(SITE)


def test_who_came_in_by_another_way_goes_out_by_moins(make_wiki, store):
    wiki = make_wiki(site_url=SITE, allow_others=True, others=[GivenAuth(user_name="local", autocreate=True)])
    response = wiki.reader().get("/+logout")
    assert response.status_code == 302
    assert response.location in {"/Home", "/"}
