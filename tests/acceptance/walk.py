"""What a person does in the browser."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.acceptance.demos import Demo


def log_in(page: Page, demo: Demo, name: str = "sally") -> None:
    """Log in on the site."""
    page.goto(f"{demo.site}/")
    page.get_by_role("main").get_by_role("link", name="Log in").click()
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill("surf")
    page.get_by_role("main").get_by_role("button", name="Log in").click()
    expect(page.locator("#who")).to_have_text(name)


def log_in_from_wiki(page: Page, name: str = "sally") -> None:
    """Log in by the link of the page of the wiki that is shown."""
    page.get_by_role("link", name="Login").click()
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill("surf")
    page.get_by_role("main").get_by_role("button", name="Log in").click()


def log_out(page: Page, demo: Demo) -> None:
    """Log out on the site."""
    page.goto(f"{demo.site}/")
    page.get_by_role("button", name="Log out").click()
    expect(page.locator("#who")).to_have_count(0)


def make_page(page: Page, demo: Demo, name: str, text: str) -> None:
    """Make a page in the wiki, click by click, by its form."""
    page.goto(f"{demo.wiki}/{name}")
    page.locator("#moin-content").get_by_role("link", name="MoinMoin", exact=True).click()
    page.locator("textarea[name=content_form_data_text]").fill(text)
    page.locator(".moin-edit-actions").get_by_role("button", name="OK").click()
    expect(page.locator("#moin-content")).to_contain_text(text)


def is_known_in_wiki(page: Page, demo: Demo, name: str) -> None:
    """Expect the wiki to show that name on its next page."""
    page.goto(f"{demo.wiki}/Home")
    expect(page.locator("#moin-username")).to_contain_text(name)


def is_anonymous_in_wiki(page: Page, demo: Demo) -> None:
    """Expect the wiki's next page to know nobody, and to let nobody write."""
    page.goto(f"{demo.wiki}/Home")
    expect(page.locator("#moin-page")).to_contain_text("Welcome")
    expect(page.locator("#moin-username")).not_to_contain_text("Settings")
    expect(page.get_by_role("link", name="Modify")).to_have_count(0)


def is_anonymous_on_site(page: Page, demo: Demo) -> None:
    """Expect the site's next page to know nobody."""
    page.goto(f"{demo.site}/")
    expect(page.get_by_role("main").get_by_role("link", name="Log in")).to_be_visible()
