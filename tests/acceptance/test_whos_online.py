"""Who's online, on the demo's front page, in two real browsers."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.acceptance.demos import Demo
from tests.acceptance.walk import log_in, log_out


@pytest.fixture
def other_page(browser: Browser) -> Iterator[Page]:
    """A page of another browser."""
    # A headless Chromium says that it is one, and counts as a bot.
    with browser.new_context(user_agent="Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0") as context:
        page = context.new_page()
        page.set_default_timeout(15_000)
        yield page


def test_a_guest_sees_a_member_come_and_vanish_at_once(demo: Demo, page: Page, other_page: Page) -> None:
    other_page.goto(demo.site)
    online = other_page.locator("#online")
    expect(online).to_contain_text(re.compile(r"0 members,\s+1 guest"))
    log_in(page, demo, "sally")
    other_page.reload()
    expect(online.get_by_role("listitem")).to_have_text(["sally"])
    expect(online).to_contain_text(re.compile(r"1 member,\s+1 guest"))
    log_out(page, demo)
    other_page.reload()
    expect(online.get_by_role("listitem")).to_have_count(0)
    expect(online).to_contain_text("0 members")
    expect(online).to_contain_text("Most at once:")


def test_both_browsers_see_both_members_and_a_plot(demo: Demo, page: Page, other_page: Page) -> None:
    log_in(page, demo, "sally")
    log_in(other_page, demo, "harry")
    page.goto(demo.site)
    for reader in (page, other_page):
        names = reader.locator("#online").get_by_role("listitem")
        expect(names).to_have_count(2)
        assert sorted(names.all_text_contents()) == ["harry", "sally"]
        plot = reader.get_by_role("img", name="Who was online in the last 24 hours")
        expect(plot).to_be_visible()
        assert plot.bounding_box()["width"] > 300
