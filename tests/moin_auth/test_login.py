"""Login leads to the site and back to the very page; who returns in vain reads why."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from moin.auth import MoinAuth

from moin_auth import ExternalCookie
from moin_auth.places import LONGEST, clean
from session_store import ConfigurationError, Token
from tests.servers import free_port

from .broken import broken
from .conftest import Wiki

SITE = "https://www.example.org/sso/"
ROOT = "http://localhost/"
THEMES = ["basic", "focus", "modernized", "topside", "topside_cms"]

PAGES = [
    "/Home",
    "/Home?a=b&c=d%26e&f=%C3%BC",
    "/B%C3%BCro/%E6%B5%B7",
    "/100%25",
    "/What%3F",
    "/a%20b+c",
    "/+history/Home?offset=3",
    "/+modify/New?itemtype=default&contenttype=text/x.moin.wiki;charset%3Dutf-8",
]


@pytest.fixture(scope="module")
def lasting_wiki(make_lasting_wiki) -> Wiki:
    return make_lasting_wiki(site_url=SITE)


@pytest.fixture
def wiki(lasting_wiki, store) -> Iterator[Wiki]:
    theme = lasting_wiki.app.cfg.theme_default
    yield lasting_wiki
    lasting_wiki.app.cfg.theme_default = theme


def login_link(client: FlaskClient, path: str, root: str = ROOT) -> str:
    """Return where the one Login link of a page leads, however often it is there."""
    response = client.get(path, base_url=root)
    links = {html.unescape(link) for link in re.findall(r'href="([^"]*/\+login[?"][^"]*)"', response.text)}
    assert len(links) == 1, (response.status, links)
    return links.pop().removeprefix(urlsplit(root).path[:-1])


def sent_to_the_site(client: FlaskClient, link: str, root: str = ROOT) -> str:
    """Follow a Login link; return where the site is asked to lead back to."""
    response = client.get(link, base_url=root)
    assert response.status_code == 303
    assert response.headers["Cache-Control"] == "no-store"
    assert response.location.startswith(SITE + "enter/?next=")
    return parse_qs(urlsplit(response.location).query)["next"][0]


def come_back(client: FlaskClient, back: str, root: str = ROOT) -> str:
    """Come back from the site; return on which page that ends."""
    assert back.startswith(root + "+login?")
    response = client.get(back.removeprefix(root[:-1]), base_url=root)
    assert response.status_code == 303, response.text
    return response.location


@pytest.mark.parametrize("theme", THEMES)
def test_login_leads_to_the_site_and_back_in_every_theme(wiki, people, theme):
    wiki.app.cfg.theme_default = theme
    back = sent_to_the_site(wiki.reader(), login_link(wiki.reader(), PAGES[2]))
    user = wiki.reader(people())
    assert come_back(user, back) == PAGES[2]
    assert "sally" in user.get(PAGES[2]).text


@pytest.mark.parametrize("path", PAGES)
def test_the_very_page_keeps_its_name_and_query(wiki, people, path):
    user = wiki.reader(people())
    page = come_back(user, sent_to_the_site(wiki.reader(), login_link(wiki.reader(), path)))
    asked, got = (user.get(address).request for address in (path, page))
    assert (asked.path, asked.args) == (got.path, got.args)


@pytest.mark.parametrize("root", ["http://localhost/wiki/", "http://localhost:8080/", "https://localhost/a/b/"])
def test_a_wiki_below_a_path_or_on_another_port_is_come_back_to(wiki, people, root):
    back = sent_to_the_site(wiki.reader(), login_link(wiki.reader(), "/Home?a=b", root), root)
    assert come_back(wiki.reader(people()), back, root) == urlsplit(root).path + "Home?a=b"


def test_where_the_wiki_says_its_address_that_is_come_back_to(make_wiki, store):
    wiki = make_wiki(site_url=SITE, url="https://wiki.example.org/club")
    back = sent_to_the_site(wiki.reader(), login_link(wiki.reader(), "/Home"))
    assert back == "https://wiki.example.org/club/+login?next=%2FHome&returned=1"


def test_a_page_that_anonymous_may_not_read_offers_a_log_in_in_every_theme(make_wiki, people, store):
    wiki = make_wiki(site_url=SITE, acl="Known:read,write,create,admin")
    wiki.write(wiki.reader(people()), "Secret", "for members", acl="Known:read")
    for theme in THEMES:
        wiki.app.cfg.theme_default = theme
        response = wiki.reader().get("/Secret")
        assert response.status_code == 403
        assert len(re.findall(r'href="/\+login', response.text)) == 2, "in the head and in the text"
        back = sent_to_the_site(wiki.reader(), login_link(wiki.reader(), "/Secret"))
        assert come_back(wiki.reader(people()), back) == "/Secret"


def test_who_is_logged_in_is_not_asked_again(wiki, people):
    assert come_back(wiki.reader(people()), ROOT + "+login?login=1&next=%2FHome%3Fa%3Db") == "/Home?a=b"


def test_settings_lead_a_stranger_to_the_log_in_and_back(wiki, people):
    response = wiki.reader().get("/+usersettings")
    back = sent_to_the_site(wiki.reader(), response.location)
    assert come_back(wiki.reader(people()), back) == "/+usersettings"


@pytest.mark.parametrize("door", ["/+login", "/+logout", "/+register", "/+lostpass"])
def test_nobody_is_led_back_to_a_door(wiki, people, door):
    link = login_link(wiki.reader(), "/+logout") if door == "/+logout" else "/+login?next="
    assert come_back(wiki.reader(people()), sent_to_the_site(wiki.reader(), link)) == "/"


@pytest.mark.parametrize("method", ["post", "head"])
def test_moins_own_form_leads_to_the_site_too(wiki, method):
    fields = {"login_username": "sally", "login_password": "x", "login_submit": "1"}
    response = getattr(wiki.reader(), method)("/+login", **({"data": fields} if method == "post" else {}))
    assert response.location.startswith(SITE + "enter/?next=")


def test_a_page_too_long_to_come_back_to_loses_its_query_and_then_itself(wiki):
    for path, back in (("/Home?" + "x" * LONGEST, "%2FHome"), ("/" + "x" * LONGEST, "%2F")):
        assert sent_to_the_site(wiki.reader(), login_link(wiki.reader(), path)).endswith(f"?next={back}&returned=1")


def test_the_longest_page_gets_through_web_servers(wiki):
    path = "/" + "%E6%B5%B7" * (LONGEST // 9)
    target = wiki.reader().get(login_link(wiki.reader(), path)).location
    login_page = "/accounts/login/?next=" + quote(target.removeprefix("https://www.example.org"))
    assert "%2525E6" in target
    assert len(login_page) < 4000


# Who returns in vain.


def explained(client: FlaskClient) -> tuple[int, str]:
    response = client.get("/+login?next=%2FHome&returned=1")
    assert response.headers["X-Frame-Options"] == "DENY"
    return response.status_code, html.unescape(response.text)


def test_without_a_cookie_it_says_so(wiki):
    status, text = explained(wiki.reader())
    assert status == 403
    assert "has brought no proof" in text
    assert "WIKI_COOKIE_DOMAIN" in text


def test_with_a_session_that_is_over_it_says_so(wiki, people, store):
    token = people()
    store.end(store.read(token).ref, "revoked")
    assert "is over" in explained(wiki.reader(token))[1]


def test_a_name_that_is_refused_is_told_with_the_reason(wiki, people):
    status, text = explained(wiki.reader(people("Known")))
    assert status == 403
    assert re.search(r"The reason:\s+the name has a meaning of its own", text)


def test_what_a_program_of_the_operators_says_is_not_told(make_wiki, people, store):
    wiki = make_wiki(site_url=SITE, wiki_name=lambda name: {}[name])
    status, text = explained(wiki.reader(people("sally")))
    assert status == 403
    assert "KeyError" not in text
    assert "Ask the wiki’s administrators" in text  # noqa: RUF001 - as it is printed


def test_without_redis_it_says_so(make_wiki):
    wiki = make_wiki(site_url=SITE, redis_url=f"redis://127.0.0.1:{free_port()}/0")
    for cookie in ("0." + "x" * 43, None):  # the site, too, gives nobody a cookie then
        status, text = explained(wiki.reader(cookie))
        assert status == 503
    assert "reach the place where log-ins are kept" in text


@pytest.mark.parametrize("kind", ["odd", "numbers", "mute"])
def test_with_a_redis_that_makes_no_sense_it_says_the_same(make_wiki, kind):
    with broken(kind) as url:
        wiki = make_wiki(site_url=SITE, redis_url=url)
        assert explained(wiki.reader("0." + "x" * 43))[0] == 503
        token = Token("0." + "x" * 43, 0)
        assert wiki.reader(token).get(f"/+logout?key={token.logout_key}").location.startswith(SITE + "leave/")


def test_there_is_always_a_way_on(wiki):
    text = explained(wiki.reader())[1]
    (again,) = re.findall(r'href="([^"]*)"[^>]*>Try again', text)
    assert again == SITE + "enter/?next=" + quote(ROOT + "+login?next=%2FHome&returned=1", safe="")
    (afresh,) = re.findall(r'href="([^"]*)"[^>]*>Log out on the site and log in again', text)
    assert afresh == SITE + "leave/?next=" + quote(again.removeprefix("https://www.example.org"), safe="")
    assert '<a href="/Home">Read without a log-in' in text


def test_without_the_sites_address_there_is_no_link_and_the_page_says_why(make_wiki, store):
    wiki = make_wiki()
    assert "+login" not in wiki.reader().get("/Home").text
    response = wiki.reader().get("/+login")
    assert response.status_code == 403
    assert "on the site that it belongs to" in response.text


def test_where_the_site_is_comes_from_the_environment_where_it_is_not_given(make_wiki, store, monkeypatch):
    monkeypatch.setenv("WIKI_SITE_URL", "https://www.example.org/sso")
    monkeypatch.setenv("WIKI_URL", "https://wiki.example.org")
    back = sent_to_the_site((wiki := make_wiki()).reader(), login_link(wiki.reader(), "/Home"))
    assert back.startswith("https://wiki.example.org/+login?")


@pytest.mark.parametrize("name", ["site_url", "url"])
def test_an_address_that_cant_be_used_is_named(name):
    with pytest.raises(ConfigurationError, match=f"WIKI_{name.upper()} must be like https://"):
        ExternalCookie(**{name: "www.example.org/sso/"})


def test_beside_another_way_to_log_in_the_site_is_offered(make_wiki, store):
    wiki = make_wiki(site_url=SITE, allow_others=True, others=[MoinAuth()])
    text = wiki.reader().get(login_link(wiki.reader(), "/Home")).text
    assert "login_password" in text
    assert f'href="{SITE}enter/?next=http%3A%2F%2Flocalhost%2F%2Blogin%3Fnext%3D%252FHome' in text


# What comes in a link.


FOREIGN = [
    *(
        "//evil.example",
        "/\\evil.example",
        "\\evil",
        "https://evil.example/",
        "/\t/evil",
        "/\r\nX: y",
        "/..//evil.example",
    ),
    *("/%2e%2E/admin", "/a/..", "evil", "", "?x", "/\x7f", "/\u3002", "/" + "x" * LONGEST, "javascript:alert(1)"),
]


@pytest.mark.parametrize("address", FOREIGN)
def test_no_link_leads_out_of_the_wiki(wiki, people, address):
    assert clean(address) is None
    link = "/+login?next=" + quote(address, safe="")
    assert wiki.reader(people()).get(link).location == "/"
    assert sent_to_the_site(wiki.reader(), link) == ROOT + "+login?next=%2F&returned=1"


@hypothesis_settings(max_examples=3000)
@given(address=st.one_of(st.text(max_size=30), st.text("/\\.%2eEfF@:?#\t\n ax", max_size=12).map("/".__add__)))
def test_what_is_led_to_is_a_path_without_a_host(address):
    cleaned = clean(address)
    if cleaned is not None:
        assert re.fullmatch(r"/([^/\\].*)?", cleaned)
        assert cleaned.isascii()
        assert cleaned.isprintable()


@hypothesis_settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    address=st.one_of(st.text(max_size=30), st.sampled_from(PAGES)), field=st.sampled_from(["next", "key", "returned"])
)
def test_no_link_is_a_500_or_leads_anywhere_foreign(wiki, address, field):
    for door in ("login", "logout"):
        query = f"?{field}=" + quote(address.encode("utf-8", "surrogatepass"), safe="")
        response = wiki.reader().get(f"/+{door}{query}")
        assert response.status_code in {200, 303, 403}
        assert not response.location or response.location.startswith(SITE)
