"""My sessions and the admin's pages, in a real Chromium, on the demo: site, wiki, worker and audit table are real."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Route, expect

from tests.acceptance.demos import Demo
from tests.acceptance.walk import is_anonymous_in_wiki, is_anonymous_on_site, is_known_in_wiki, log_in
from tests.wait import wait_until

ADMIN = "/admin/django_hooks/livesession/"
EVENTS = "/admin/django_hooks/auditevent/"
CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36"
PHONE = f"Mozilla/5.0 (Linux; Android 14; Pixel 8) {CHROME}"
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


@pytest.fixture
def phone(browser: Browser) -> Iterator[Page]:
    """A page of another browser."""
    with browser.new_context(user_agent=PHONE, viewport={"width": 390, "height": 844}) as context:
        page = context.new_page()
        page.set_default_timeout(15_000)
        yield page


def my_sessions(page: Page, demo: Demo) -> None:
    page.goto(f"{demo.site}/sso/sessions/")


def card_of_the_phone(page: Page):
    return page.get_by_role("listitem").filter(has_text="Pixel 8").first


def test_one_browser_ends_anothers_session_which_is_anonymous_everywhere_at_its_next_click(
    demo: Demo, page: Page, phone: Page
):
    log_in(page, demo)
    log_in(phone, demo)
    is_known_in_wiki(phone, demo, "sally")
    my_sessions(page, demo)
    card = card_of_the_phone(page)
    expect(card).to_contain_text("Chrome 142 on Android")
    expect(card).to_contain_text("site and wiki")
    card.get_by_role("link", name="End").click()
    page.get_by_role("button", name="End it").click()
    expect(page.get_by_role("status")).to_contain_text("The session was ended.")
    is_anonymous_in_wiki(phone, demo)
    is_anonymous_on_site(phone, demo)
    is_known_in_wiki(page, demo, "sally")
    wait_until(lambda: demo.ends and demo.ends[-1]["event"]["reason"] == "revoked", "the end in the audit log")
    assert demo.ends[-1]["event"]["actor"] == demo.ends[-1]["user"]["id"]
    my_sessions(page, demo)
    wait_until(lambda: page.reload() and page.get_by_text("Ended by you").count(), "the end among what has ended")


def test_it_works_by_keyboard_alone(demo: Demo, page: Page, phone: Page):
    log_in(page, demo, "harry")
    log_in(phone, demo, "harry")
    my_sessions(page, demo)
    tab_to(page, card_of_the_phone(page).get_by_role("link", name="End"))
    page.keyboard.press("Enter")
    tab_to(page, page.get_by_role("button", name="End it"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("The session was ended.")
    is_anonymous_on_site(phone, demo)


def tab_to(page: Page, target) -> None:
    target.wait_for()
    for _ in range(20):
        page.keyboard.press("Tab")
        if target.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError("it can't be reached by the Tab key")


def violations(page: Page, within: str = "") -> str:
    results = Axe().run(page, context=within or None)
    return results.generate_report() if results.violations_count else ""


def test_the_pages_are_accessible_in_light_and_dark_and_on_a_phone(demo: Demo, page: Page, phone: Page):
    log_in(page, demo)
    log_in(phone, demo)
    my_sessions(page, demo)
    one = card_of_the_phone(page).get_by_role("link", name="End").get_attribute("href")
    for path in ("/sso/sessions/", one, "/sso/sessions/end-others/", "/sso/leave/"):
        for looks in ({"color_scheme": "light"}, {"color_scheme": "dark"}):
            page.emulate_media(**looks)
            page.goto(demo.site + path)
            assert not violations(page)
        phone.goto(demo.site + path.replace(one, "/sso/sessions/"))
        assert not violations(phone)
        assert phone.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{path} is too wide for a phone"


def test_the_admins_pages_are_accessible_in_light_and_dark(demo: Demo, page: Page, phone: Page):
    log_in(phone, demo)
    log_in(page, demo, "admin")
    for looks in ({"color_scheme": "light"}, {"color_scheme": "dark"}):
        page.emulate_media(**looks)
        # What is around these is the stock admin's own.
        for path, ours in ((ADMIN, "#content-main"), (ADMIN + "dashboard/", "#content-main"), (EVENTS, "#result_list")):
            page.goto(demo.site + path)
            assert not violations(page, ours)
        page.goto(demo.site + ADMIN)
        page.get_by_label("Select all on this page").check()
        page.get_by_role("button", name="End selected").click()
        assert not violations(page, "#content-main")


def test_an_admin_ends_a_users_sessions_and_reads_of_it(demo: Demo, page: Page, phone: Page):
    log_in(phone, demo, "harry")
    log_in(page, demo, "admin")
    page.goto(demo.site + ADMIN)
    page.get_by_role("row").filter(has_text="Pixel 8").get_by_role("link", name="harry").first.click()
    page.get_by_role("button", name="End all of this user").click()
    page.get_by_role("button", name="Yes, end them").click()
    expect(page.get_by_role("list").filter(has_text="ended.")).to_be_visible()
    is_anonymous_in_wiki(phone, demo)
    is_anonymous_on_site(phone, demo)
    newest = f"{demo.site}{EVENTS}?action__exact=end&q=harry"
    page.goto(newest)
    wait_until(lambda: page.goto(newest) and page.get_by_role("row").filter(has_text="Ended by hand").count(), "a row")
    page.goto(f"{demo.site}{ADMIN}dashboard/")
    expect(page.get_by_role("img", name="Log-ins and ends, hour by hour")).to_be_visible()
    expect(page.get_by_text("writes the audit log").first).to_be_visible()
    assert page.locator(".errornote").count() == 0


def test_a_strict_policy_is_never_violated(demo: Demo, page: Page, phone: Page):
    said: list[str] = []
    log_in(page, demo)
    log_in(phone, demo)
    page.on("console", lambda message: said.append(message.text))
    page.on("requestfailed", lambda request: said.append(request.url) if request.failure == "csp" else None)
    page.route("**/*", under_the_policy)
    my_sessions(page, demo)
    assert page.get_by_role("heading", name="My sessions").is_visible()
    card_of_the_phone(page).get_by_role("link", name="End").click()
    page.get_by_role("link", name="Keep").click()
    page.get_by_role("link", name="End all others").click()
    page.get_by_role("button", name="End all others").click()
    expect(page.get_by_role("status")).to_contain_text("ended")
    page.goto(f"{demo.site}/sso/leave/")
    page.get_by_role("main").get_by_role("button", name="Log out").click()
    is_anonymous_on_site(page, demo)
    assert said == []


def under_the_policy(route: Route) -> None:
    response = route.fetch(max_redirects=0)
    headers = response.headers
    if headers.get("content-type", "").startswith("text/html"):
        headers["content-security-policy"] = POLICY
    route.fulfill(response=response, headers=headers)
