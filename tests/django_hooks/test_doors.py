"""The pages that the wiki leads to: in, and back to where one was; and out, of both."""

from __future__ import annotations

from urllib.parse import parse_qs, quote, urlsplit

import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncClient, Client
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from session_store import Store, parse_token
from tests.servers import free_port

from .conftest import NAME, Browser, ends_of
from .test_redirects import PIECES, TRICKS

WIKI = "http://wiki.example.org:8080/club/"
PAGE = WIKI + "Strand/B%C3%BCro?q=a%26b"
FROM_THE_WIKI = {"Sec-Fetch-Site": "same-site"}
ENTER = "/sso/enter/?next=" + quote(PAGE, safe="")
LEAVE = "/sso/leave/?next=" + quote(PAGE, safe="")


@pytest.fixture(autouse=True)
def _wiki_url(settings):
    settings.WIKI_URL = WIKI


def test_a_stranger_logs_in_and_is_led_back_to_the_very_page(browser: Browser):
    ask = browser.get(ENTER)
    assert urlsplit(ask["Location"]).path == "/login/"
    in_again = browser.post(ask["Location"], {"username": "sally", "password": "surf"})
    assert goal_of(browser.get(in_again["Location"])) == PAGE
    assert browser.wiki_name == "sally"


def test_who_is_logged_in_is_led_back_at_once(browser: Browser):
    browser.log_in()
    assert goal_of(browser.get(ENTER)) == PAGE


def test_who_is_logged_in_without_a_session_for_the_wiki_gets_one(browser: Browser, settings):
    settings.WIKI_ENABLED = False
    browser.log_in()
    settings.WIKI_ENABLED = True
    assert browser.wiki_cookie is None
    assert goal_of(browser.get(ENTER)) == PAGE
    assert browser.wiki_name == "sally"


def test_a_lost_cookie_is_set_again(browser: Browser):
    browser.log_in()
    before = browser.wiki_cookie
    del browser.cookies[NAME]
    browser.get(ENTER)
    assert browser.wiki_cookie == before


@pytest.mark.parametrize("query", ["", "?next=", "?next=//evil.example", "?next=https://evil.example/"])
def test_without_a_good_place_to_return_to_it_is_the_wiki(browser: Browser, query: str):
    browser.log_in()
    assert goal_of(browser.get("/sso/enter/" + query)) == WIKI


def test_without_a_wiki_it_is_the_site(browser: Browser, settings):
    settings.WIKI_URL, settings.LOGIN_REDIRECT_URL = "", "/who/"
    browser.log_in()
    assert goal_of(browser.get(ENTER)) == "/who/"


@hypothesis_settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(address=st.one_of(st.text(max_size=40), st.lists(st.sampled_from(PIECES), max_size=4).map("".join)))
def test_no_address_is_a_500_or_leads_anywhere_foreign(browser: Browser, address: str):
    query = "?next=" + quote(address.encode("utf-8", "surrogatepass"), safe="")
    for door in ("/sso/enter/", "/sso/leave/"):
        target = goal_of(browser.get(door + query))
        assert target.startswith(WIKI) or urlsplit(target)[:2] == ("", ""), target
        assert not target.startswith("//")


@pytest.mark.parametrize("trick", TRICKS)
def test_a_trick_leads_nowhere_foreign_after_a_log_in(browser: Browser, trick: str):
    browser.log_in()
    answer = browser.get("/sso/enter/", {"next": trick.encode("utf-8", "surrogatepass")})
    assert urlsplit(goal_of(answer)).hostname in {None, "wiki.example.org"}


def test_a_link_from_anywhere_only_asks_whether_to_log_out(browser: Browser):
    browser.log_in()
    page = browser.get(LEAVE)
    assert page.status_code == 200
    assert "logged in as sally" in page.content.decode()
    assert browser.get_text("/who/") == "sally"
    assert browser.wiki_name == "sally"


def test_the_form_there_logs_out_of_both_and_leads_back(browser: Browser):
    browser.log_in()
    token = parse_token(browser.wiki_cookie)
    strict = _strict(browser)
    asked = strict.get(LEAVE)
    form = {"next": PAGE, "csrfmiddlewaretoken": asked.context["csrf_token"]}
    assert f'name="next" value="{PAGE}"' in asked.content.decode()
    assert goal_of(strict.post("/sso/leave/", form)) == PAGE
    assert ends_of(browser.store) == [(token.sid, "logout")]
    assert strict.get("/who/").content == b""
    assert strict.cookies[NAME].value == ""


def test_a_foreign_form_logs_nobody_out(browser: Browser):
    browser.log_in()
    assert _strict(browser).post("/sso/leave/", {"next": PAGE}).status_code == 403
    assert browser.get_text("/who/") == "sally"


def test_the_wikis_own_link_logs_out_at_once(browser: Browser):
    browser.log_in()
    key = parse_token(browser.wiki_cookie).logout_key
    assert goal_of(browser.get(f"{LEAVE}&key={key}")) == PAGE
    assert browser.get_text("/who/") == ""
    assert [reason for _, reason in ends_of(browser.store)] == ["logout"]


def test_another_sessions_link_does_not(browser: Browser, other_browser: Browser):
    browser.log_in()
    other_browser.log_in("harry")
    key = parse_token(other_browser.wiki_cookie).logout_key
    for wrong in (key, "", "x" * 22, "\xe9", browser.wiki_session.ref.sid):
        assert browser.get("/sso/leave/", {"key": wrong}).status_code == 200
    assert browser.get_text("/who/") == "sally"


def test_a_cookie_that_somebody_has_planted_gives_no_key(browser: Browser, other_browser: Browser):
    browser.log_in()
    other_browser.log_in("harry")
    planted = parse_token(other_browser.wiki_cookie)
    browser.cookies[NAME] = planted.value
    assert browser.get("/sso/leave/", {"key": planted.logout_key}).status_code == 200
    assert browser.get_text("/who/") == "sally"


def test_a_head_request_logs_nobody_out(browser: Browser):
    browser.log_in()
    browser.head(f"{LEAVE}&key={parse_token(browser.wiki_cookie).logout_key}")
    assert browser.get_text("/who/") == "sally"


@pytest.mark.parametrize("single_sign_out", [True, False])
def test_a_session_that_the_wiki_has_ended_is_left_on_the_site_too(browser: Browser, settings, single_sign_out: bool):
    settings.WIKI_SINGLE_SIGN_OUT = single_sign_out
    browser.log_in()
    key = parse_token(browser.wiki_cookie).logout_key
    browser.store.end(browser.wiki_session.ref, "logout")
    assert goal_of(browser.get(f"{LEAVE}&key={key}")) == PAGE
    assert browser.get_text("/who/") == ""
    assert browser.wiki_session is None
    assert len(ends_of(browser.store)) == 1


def test_who_has_left_already_is_led_back(browser: Browser):
    assert goal_of(browser.get(LEAVE)) == PAGE
    assert goal_of(browser.get("/sso/leave/")) == WIKI


def test_where_the_site_says_where_a_log_out_leads_it_does(browser: Browser, settings):
    settings.LOGOUT_REDIRECT_URL = "/who/"
    browser.log_in()
    assert goal_of(browser.post("/sso/leave/")) == "/who/"


def test_without_redis_a_log_out_is_done_and_says_what_it_could_not_do(browser: Browser, settings):
    browser.log_in()
    key = parse_token(browser.wiki_cookie).logout_key
    settings.WIKI_REDIS_URL = f"redis://127.0.0.1:{free_port()}/0"
    page = browser.get(f"{LEAVE}&key={key}")
    assert page.status_code == 200
    assert "could not be told" in page.content.decode()
    assert f'href="{PAGE}"' in page.content.decode()
    assert browser.wiki_cookie is None
    assert browser.get_text("/who/") == ""


def test_the_pages_are_not_kept_framed_or_dressed_by_themselves(browser: Browser):
    browser.log_in()
    page = browser.get(LEAVE)
    assert "no-store" in page["Cache-Control"]
    assert page["X-Frame-Options"] == "DENY"
    assert "no-store" in browser.get(ENTER)["Cache-Control"]
    assert not any(word in page.content.decode() for word in ("<script", "<style", "style=", "onclick"))


def test_a_hostile_name_is_text(browser: Browser, people):
    people["sally"].username = '<script>alert("x")</script>'
    people["sally"].save()
    browser.force_login(people["sally"])
    assert "<script" not in browser.get(LEAVE).content.decode()


def test_both_work_under_asgi(site: Store, people):
    async_to_sync(_walk)(site)


async def _walk(store: Store) -> None:
    browser = AsyncClient()
    assert await browser.alogin(username="sally", password="surf")
    assert goal_of(await browser.get(ENTER)) == PAGE
    token = parse_token(browser.cookies[NAME].value)
    assert goal_of(await browser.get(f"{LEAVE}&key={token.logout_key}")) == PAGE
    assert [reason for _, reason in ends_of(store)] == ["logout"]
    ask = (await browser.get(ENTER))["Location"]
    assert parse_qs(urlsplit(ask).query)["next"] == [ENTER]


def test_a_link_of_the_wikis_is_answered_by_a_redirect(browser: Browser):
    browser.log_in()
    key = parse_token(browser.wiki_cookie).logout_key
    for door in (ENTER, f"{LEAVE}&key={key}"):
        assert browser.get(door, headers=FROM_THE_WIKI)["Location"] == PAGE


def test_the_way_of_a_form_goes_on_from_a_page_to_another_origin(browser: Browser, settings):
    browser.log_in()
    page = browser.get(ENTER, headers={"Sec-Fetch-Site": "same-origin"})
    assert page.status_code == 200
    assert f' href="{PAGE}">Go on' in page.content.decode()
    settings.WIKI_URL = "http://testserver/wiki/"
    assert browser.get("/sso/enter/", headers={"Sec-Fetch-Site": "same-origin"})["Location"] == settings.WIKI_URL


def goal_of(response) -> str:
    """Return where an answer leads: at once, or by a page that goes on by itself."""
    if response.status_code == 200:
        return response["Refresh"].removeprefix("0; url=")
    assert response.status_code == 302, response.status_code
    return response["Location"]


def _strict(browser: Browser) -> Client:
    """Return the same browser before a site that checks its forms, as every real one does."""
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = browser.cookies
    return strict
