"""Site and wiki behind a real nginx, by HTTPS, from log-in to log-out in a real browser; the audit log tells of it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.acceptance import nginxes
from tests.acceptance.demos import ROOT
from tests.certificates import Authority
from tests.moin19 import wikis
from tests.servers import RedisServer, as_user, free_port
from tests.wait import wait_until
from tests.worker.processes import WorkerProcess


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of a browser that says it came from elsewhere, and does not know who has signed the certificate."""
    headers = {"X-Forwarded-For": "203.0.113.66", "X-Forwarded-Proto": "http"}
    with browser.new_context(ignore_https_errors=True, extra_http_headers=headers) as context:
        page = context.new_page()
        page.set_default_timeout(15_000)
        yield page


@pytest.mark.usefixtures("raw")
def test_two_hosts_and_a_wiki_of_moinmoin_1_9(page: Page, tmp_path: Path, redis_server: RedisServer) -> None:
    port, behind, wiki_port = free_port(), free_port(), free_port()
    site, wiki = f"https://www.club.localhost:{port}/", f"https://wiki.club.localhost:{port}/"
    cookie = "__Secure-wiki_session"
    method = {
        "redis_url": as_user(redis_server.url, "wiki-wiki"),
        "redis_timeout": 15,
        "cookie_name": cookie,
        "site_url": f"{site}sso/",
        "url": wiki,
        "autocreate": True,
    }
    hosts = {"www.example.org": "www.club.localhost", "wiki.example.org": "wiki.club.localhost"}
    ports = {"127.0.0.1:8000": f"127.0.0.1:{behind}", "127.0.0.1:8080": f"127.0.0.1:{wiki_port}"}
    with ExitStack() as stack:
        worker = stack.enter_context(WorkerProcess(tmp_path, redis_server.url))
        words = [str(behind), str(tmp_path), redis_server.url, site, wiki, "club.localhost", cookie, "none"]
        stack.enter_context(_program(tmp_path, behind, *words))
        stack.enter_context(wikis.running(tmp_path, {"port": wiki_port, "method": method}))
        certificates = Authority(tmp_path / "tls").issue("www.club.localhost", "wiki.club.localhost")
        stack.enter_context(nginxes.running("two-hosts.conf", tmp_path / "nginx", port, certificates, hosts | ports))

        page.goto(f"{wiki}B%C3%BCro?action=info&x=1")
        page.get_by_role("link", name="Login").click()
        _log_in(page)
        expect(page).to_have_url(f"{wiki}B%C3%BCro?action=info&x=1")
        expect(page.locator("#username")).to_contain_text("sally")
        _is_guarded(page, cookie, domain=".club.localhost")
        page.get_by_role("link", name="Logout").click()
        expect(page).to_have_url(f"{wiki}B%C3%BCro?action=info&x=1")
        expect(page.locator("#username")).to_have_text("Login")
        page.goto(site)
        expect(page.locator("#who")).to_have_text("nobody")
        _is_told(worker)


@pytest.mark.usefixtures("raw")
def test_one_host_and_a_wiki_of_moinmoin_2_below_a_path(page: Page, tmp_path: Path, redis_server: RedisServer) -> None:
    port, behind = free_port(), free_port()
    site, wiki = f"https://www.localhost:{port}/", f"https://www.localhost:{port}/wiki/"
    cookie = "__Host-wiki_session"
    both = {"127.0.0.1:8000": f"127.0.0.1:{behind}", "127.0.0.1:8080": f"127.0.0.1:{behind}"}
    with ExitStack() as stack:
        worker = stack.enter_context(WorkerProcess(tmp_path, redis_server.url))
        words = [str(behind), str(tmp_path), redis_server.url, site, wiki, "", cookie, "moin2"]
        stack.enter_context(_program(tmp_path, behind, *words))
        certificates = Authority(tmp_path / "tls").issue("www.localhost")
        hosts = {"www.example.org": "www.localhost"}
        stack.enter_context(nginxes.running("one-host.conf", tmp_path / "nginx", port, certificates, hosts | both))

        page.goto(f"{site}wiki")
        page.goto(f"{wiki}+history/B%C3%BCro?offset=0")
        page.get_by_role("link", name="Login").click()
        _log_in(page)
        expect(page).to_have_url(f"{wiki}+history/B%C3%BCro?offset=0")
        expect(page.locator("#moin-username")).to_contain_text("sally")
        _is_guarded(page, cookie, domain="www.localhost")
        page.get_by_role("link", name="Logout").click()
        expect(page.locator("#moin-username")).to_have_text("Login")
        page.goto(site)
        expect(page.locator("#who")).to_have_text("nobody")
        _is_told(worker)


def _log_in(page: Page) -> None:
    page.get_by_label("Username").fill("sally")
    page.get_by_label("Password").fill("surf")
    page.get_by_role("button", name="Log in").click()


def _is_guarded(page: Page, name: str, *, domain: str) -> None:
    (cookie,) = [cookie for cookie in page.context.cookies() if cookie["name"] == name]
    assert (cookie["secure"], cookie["httpOnly"], cookie["domain"]) == (True, True, domain)


def _is_told(worker: WorkerProcess) -> None:
    """The log says who it was, whence, and why it ended: nginx's word counts, not the browser's."""
    wait_until(lambda: worker.ends, "the end in the audit log")
    assert list(worker.ends.values()) == ["logout"]
    assert {event["source"]["ip"] for event in worker.events} == {"127.0.0.1"}
    assert {event["user"]["name"] for event in worker.events} == {"sally"}


@contextmanager
def _program(place: Path, port: int, *words: str) -> Iterator[None]:
    command = [sys.executable, "-m", "tests.acceptance.proxied", *words]
    with (place / "proxied.out").open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    try:
        wait_until(lambda: process.poll() is not None or nginxes._answers(port), "the site to answer", 60)
        assert process.poll() is None, (place / "proxied.out").read_text()
        yield
    finally:
        process.kill()
        process.wait()
