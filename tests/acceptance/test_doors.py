"""In and out by a real browser, wherever the wiki is: below a path of the site, or on a sub-domain beside it."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.acceptance.houses import PLACES, house
from tests.servers import RedisServer


@pytest.mark.parametrize("place", PLACES)
def test_in_back_on_the_page_an_edit_and_out_of_both(place: str, page: Page, tmp_path: Path, raw, redis_server) -> None:
    with house(tmp_path, redis_server.url, *PLACES[place]) as (site, wiki):
        page.goto(f"{wiki}+history/B%C3%BCro?offset=0")
        _log_in_from_the_wiki(page)
        expect(page).to_have_url(f"{wiki}+history/B%C3%BCro?offset=0")
        expect(page.locator("#moin-username")).to_contain_text("sally")

        page.goto(f"{wiki}B%C3%BCro")
        page.locator("#moin-content").get_by_role("link", name="MoinMoin", exact=True).click()
        page.locator("textarea[name=content_form_data_text]").fill("Waves of today")
        page.locator(".moin-edit-actions").get_by_role("button", name="OK").click()
        expect(page.locator("#moin-content")).to_contain_text("Waves of today")

        page.get_by_role("link", name="Logout").click()
        expect(page).to_have_url(f"{wiki}B%C3%BCro")
        expect(page.locator("#moin-username")).to_have_text("Login")
        page.goto(site)
        expect(page.locator("#who")).to_have_text("nobody")


def test_a_cookie_for_another_host_is_explained_and_nobody_is_sent_round(
    page: Page, tmp_path: Path, raw, redis_server
) -> None:
    site, wiki, _ = PLACES["on a sub-domain"]
    with house(tmp_path, redis_server.url, site, wiki, "") as (site, wiki):
        page.goto(f"{wiki}Home")
        _log_in_from_the_wiki(page)
        expect(page.locator("#moin-content")).to_contain_text("WIKI_COOKIE_DOMAIN")
        page.get_by_role("link", name="Try again").click()
        expect(page.locator("#moin-content")).to_contain_text("WIKI_COOKIE_DOMAIN")
        page.get_by_role("link", name="Read without a log-in").click()
        expect(page).to_have_url(f"{wiki}Home")
        page.goto(f"{site}sso/leave/")
        page.get_by_role("button", name="Log out").click()
        expect(page).to_have_url(f"{wiki}Home")
        page.goto(site)
        expect(page.locator("#who")).to_have_text("nobody")


def test_a_log_out_while_redis_hangs_is_one_and_says_what_it_could_not_do(page: Page, tmp_path: Path) -> None:
    with RedisServer() as redis, house(tmp_path, redis.url, *PLACES["on a sub-domain"]) as (site, wiki):
        page.goto(f"{wiki}Home")
        _log_in_from_the_wiki(page)
        expect(page.locator("#moin-username")).to_contain_text("sally")
        redis.pause()
        try:
            page.get_by_role("link", name="Logout").click()
            expect(page.get_by_role("heading")).to_have_text("Logged out")
            expect(page.locator("main")).to_contain_text("could not be told")
            page.get_by_role("link", name="Go on").click()
            expect(page).to_have_url(f"{wiki}Home")
            expect(page.locator("#moin-username")).to_have_text("Login")
        finally:
            redis.resume()
        page.goto(site)
        expect(page.locator("#who")).to_have_text("nobody")
        page.goto(f"{wiki}Home")
        expect(page.locator("#moin-username")).to_have_text("Login")


def _log_in_from_the_wiki(page: Page) -> None:
    page.get_by_role("link", name="Login").click()
    page.get_by_label("Username").fill("sally")
    page.get_by_label("Password").fill("surf")
    page.get_by_role("button", name="Log in").click()
