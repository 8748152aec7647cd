from __future__ import annotations

import os
import re
import signal
import socket
import stat
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from playwright.sync_api import Page, expect

from demo import readiness
from django_hooks.whos_online.bots import is_bot
from tests.acceptance.demos import Demo, FailingDemo
from tests.acceptance.walk import (
    is_anonymous_in_wiki,
    is_anonymous_on_site,
    is_known_in_wiki,
    log_in,
    log_in_from_wiki,
    log_out,
    make_page,
)
from tests.wait import wait_until


def test_one_log_in_and_one_log_out_serve_site_and_wiki(demo: Demo, page: Page) -> None:
    is_anonymous_in_wiki(page, demo)
    log_in(page, demo)
    page.get_by_role("link", name="Open the wiki").click()
    expect(page.locator("#moin-username")).to_contain_text("sally")
    make_page(page, demo, "Beach", "Waves of today")
    page.goto(f"{demo.wiki}/+history/Beach")
    expect(page.locator("#moin-page-history tbody tr").first).to_contain_text("sally")
    log_out(page, demo)
    is_anonymous_in_wiki(page, demo)
    is_anonymous_on_site(page, demo)
    wait_until(lambda: demo.ends, "the end in the audit log")
    assert (demo.ends[-1]["event"]["reason"], demo.ends[-1]["user"]["name"]) == ("logout", "sally")
    wait_until(lambda: "session ended: logged out (logout)" in demo.said, "the end on the terminal")


def test_log_in_and_log_out_in_the_wiki_lead_through_the_site_and_back(demo: Demo, page: Page) -> None:
    ends = len(demo.ends)
    page.goto(f"{demo.wiki}/+history/Home?offset=0")
    log_in_from_wiki(page, "harry")
    expect(page).to_have_url(f"{demo.wiki}/+history/Home?offset=0")
    expect(page.locator("#moin-username")).to_contain_text("harry")
    make_page(page, demo, "Straße", "Waves of today")
    page.get_by_role("link", name="Logout").click()
    expect(page).to_have_url(f"{demo.wiki}/Stra%C3%9Fe")
    expect(page.locator("#moin-flash")).to_contain_text("You are logged out.")
    is_anonymous_in_wiki(page, demo)
    is_anonymous_on_site(page, demo)
    wait_until(lambda: len(demo.ends) > ends, "the end in the audit log")
    assert [end["event"]["reason"] for end in demo.ends[ends:]] == ["logout"]


def test_who_is_logged_in_on_the_site_comes_through_without_a_question(demo: Demo, page: Page) -> None:
    log_in(page, demo)
    page.context.clear_cookies(name="wiki_session")
    page.goto(f"{demo.wiki}/Home")
    page.get_by_role("link", name="Login").click()
    expect(page).to_have_url(f"{demo.wiki}/Home")
    expect(page.locator("#moin-username")).to_contain_text("sally")


def test_the_wikis_settings_show_what_is_the_sites_and_keep_the_rest(demo: Demo, page: Page) -> None:
    log_in(page, demo)
    page.goto(f"{demo.wiki}/+usersettings#personal")
    expect(page.get_by_label("Username")).to_have_value("sally")
    expect(page.get_by_label("Username")).not_to_be_editable()
    expect(page.locator(".moin-tab-titles li")).to_have_text(
        ["Appearance", "Quick Links", "Options", "Personal", "Subscriptions"]
    )
    expect(page.get_by_label("E-Mail")).to_have_value("sally@example.org")
    page.get_by_label("Timezone").select_option("Europe/Lisbon")
    page.locator("#personal").get_by_role("button", name="Save").click()
    expect(page.locator("#moin-flash")).to_contain_text("Your changes have been saved.")
    page.goto(f"{demo.wiki}/+usersettings#personal")
    expect(page.get_by_label("Timezone")).to_have_value("Europe/Lisbon")
    expect(page.get_by_label("Username")).to_have_value("sally")


def test_the_site_shows_the_last_of_the_audit_log(demo: Demo, page: Page) -> None:
    log_in(page, demo, "harry")
    wait_until(lambda: demo.events and demo.events[-1]["user"]["name"] == "harry", "harry's start in the audit log")
    page.get_by_role("link", name="See what it says").click()
    expect(page.locator("tbody tr").first.locator("td").nth(1)).to_have_text("harry")
    expect(page.locator("tbody tr").first.locator("td").nth(2)).to_have_text("session started")


def test_the_sites_other_name_leads_to_the_one_the_wiki_shares(demo: Demo, page: Page) -> None:
    page.goto(f"http://127.0.0.1:{demo.site_port}/login/?next=/audit/")
    expect(page).to_have_url(f"{demo.site}/login/?next=/audit/")


def test_a_session_that_runs_out_is_in_the_audit_log_at_once(var: Path, page: Page) -> None:
    with Demo(var, DEMO_COOKIE_AGE="4") as demo:
        log_in(page, demo)
        is_known_in_wiki(page, demo, "sally")
        wait_until(lambda: demo.ends, "the end in the audit log", 20)
        (end,) = demo.ends
        assert end["event"]["reason"] == "expired"
        late = _time(end["@timestamp"]) - _time(end["event"]["end"])
        assert timedelta(0) <= late < timedelta(seconds=1), "written down long after the deadline"
        is_anonymous_in_wiki(page, demo)
        is_anonymous_on_site(page, demo)


def test_a_later_start_keeps_users_pages_and_the_log(var: Path, page: Page) -> None:
    with Demo(var) as demo:
        log_in(page, demo)
        make_page(page, demo, "Tide", "Low at noon")
        wait_until(lambda: demo.events, "the start in the audit log")
        before = (var / "audit.jsonl").read_text()
        assert demo.stop() == 0
    with Demo(var) as later:
        assert _seconds_to_start(later) < 15
        assert "First start" not in later.said
        page.goto(f"{later.wiki}/Tide")
        expect(page.locator("#moin-content")).to_contain_text("Low at noon")
        is_known_in_wiki(page, later, "sally")
        log_out(page, later)
        log_in(page, later)
        assert (var / "audit.jsonl").read_text().startswith(before)


def test_a_taken_port_is_named_with_the_remedy(var: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with FailingDemo(var, SITE_PORT=str(port)) as demo:
            assert demo.said == f"Port {port} is taken. Choose another: SITE_PORT={port + 1} make demo\n"


def test_a_second_demo_in_the_same_directory_refuses(demo: Demo) -> None:
    second = Demo(demo.var)
    second.start()
    assert second.wait() == 1
    assert second.said.startswith(f"A demo already runs in {demo.var} (process {demo.process.pid}).")
    assert demo.process.poll() is None


def test_a_setting_that_is_no_number_is_named(var: Path) -> None:
    with FailingDemo(var, WIKI_PORT="http") as demo:
        assert demo.said == "WIKI_PORT must be a whole number up to 65535, not 'http'.\n"


def test_a_redis_that_does_not_answer_is_named(var: Path) -> None:
    with FailingDemo(var, WIKI_REDIS_URL="redis://:hidden@127.0.0.1:1/0") as demo:
        assert demo.said.startswith("No Redis answers at 127.0.0.1:1, which WIKI_REDIS_URL names.")
        assert "hidden" not in demo.said


def test_a_redis_that_is_given_is_used_and_left_running(var: Path, redis_server, raw) -> None:
    with Demo(var, WIKI_REDIS_URL=redis_server.url) as demo:
        assert not [command for command in demo.programs().values() if "valkey" in command]
        assert demo.stop() == 0
    assert raw.ping()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_everything(var: Path, number: signal.Signals) -> None:
    with Demo(var) as demo:
        assert len(demo.programs()) >= 7
        assert demo.stop(number) == 0
        assert demo.said.endswith("All stopped.\n")
        assert not demo.programs()


def test_nothing_outlives_a_demo_that_was_killed(var: Path) -> None:
    with Demo(var) as demo:
        demo.process.kill()
        demo.wait()
        wait_until(lambda: not demo.programs(), "all programs to end", 30)


def test_nothing_outlives_a_supervisord_that_was_killed(var: Path) -> None:
    with Demo(var) as demo:
        (supervisord,) = [pid for pid, command in demo.programs().items() if "supervisord " in command]
        os.kill(supervisord, signal.SIGKILL)
        assert demo.wait() == 1
        assert "supervisord does not stay up" in demo.said
        assert not demo.programs()


def test_a_program_that_does_not_start_is_named_with_its_log(var: Path) -> None:
    (var / "wiki" / "index").rename(var / "wiki" / "elsewhere")
    with FailingDemo(var) as demo:
        assert "wiki does not stay up. The end of" in demo.said
        assert "all wiki indexes missing" in demo.said
        assert not demo.programs()


def test_secrets_and_state_are_for_this_user_only(first_start: Demo) -> None:
    for path in (first_start.var, *(first_start.var / "secrets").iterdir(), first_start.var / "site.sqlite3"):
        assert not stat.S_IMODE(path.stat().st_mode) & 0o077, path


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _seconds_to_start(demo: Demo) -> float:
    found = re.search(r"all up after ([0-9.]+) s", demo.said)
    assert found, demo.said
    return float(found[1])


def test_whether_it_answers_is_asked_by_what_calls_itself_a_bot():
    agents = []

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            agents.append(self.headers["User-Agent"])
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("localhost", 0), Page) as server:
        asked = Thread(target=server.handle_request)
        asked.start()
        assert readiness._page_answers(server.server_port)
        asked.join()
    assert [is_bot(agent) for agent in agents] == [True]
