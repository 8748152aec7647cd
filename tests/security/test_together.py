"""Site, wiki and worker as programs, under their ACL users, over TLS with certificates on both sides."""

from __future__ import annotations

import http.cookiejar
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from session_store import Config, Store
from tests.acceptance.test_doors import PLACES, _house
from tests.certificates import Authority
from tests.servers import PATIENCE, RedisServer, as_user
from tests.session_store.samples import opened
from tests.wait import wait_until
from tests.worker.processes import WorkerProcess, run_command


@pytest.fixture(scope="module")
def fortress(authority: Authority) -> Iterator[RedisServer]:
    """A server that talks to nobody without a certificate and a password."""
    with RedisServer(tls=authority.issue("127.0.0.1"), mutual=True, users=True) as server:
        yield server


class Browser:
    """What sends forms and keeps cookies."""

    def __init__(self) -> None:
        cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self._opener = urllib.request.build_opener(cookies)

    def get(self, url: str) -> str:
        return self._text(url, None)

    def send(self, url: str, **fields: str) -> str:
        """Fill in the form that a page shows, and send it."""
        (token,) = re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', self.get(url))
        return self._text(url, urlencode({**fields, "csrfmiddlewaretoken": token}).encode())

    def _text(self, url: str, data: bytes | None) -> str:
        try:
            with self._opener.open(urllib.request.Request(url, data), timeout=30) as response:  # noqa: S310 - loopback
                text: bytes = response.read()
        except urllib.error.HTTPError as error:
            if error.code != 404:  # the wiki is empty
                raise
            text = error.read()
        return text.decode()


def test_in_and_out_and_every_end_in_the_log_with_no_more_rights_than_needed(fortress: RedisServer, tmp_path: Path):
    admin = Store(Config(redis_url=fortress.url, redis_timeout=PATIENCE))
    with (
        WorkerProcess(tmp_path, fortress.url, WIKI_REDIS_TIMEOUT="5") as worker,
        _house(tmp_path, fortress, *PLACES["below a path"]) as (site, wiki),
    ):
        worker.wait_for_log("listening at")
        brief = opened(admin, age=500)
        browser = Browser()
        browser.send(f"{site}accounts/login/?next=/", username="sally", password="surf")
        assert "sally" in browser.get(site)
        assert "sally" in menu(browser.get(f"{wiki}Home"))
        (sid,) = {session.ref.sid for session in admin.sessions()} - {brief.sid}
        browser.send(f"{site}sso/leave/")
        assert "sally" not in menu(browser.get(f"{wiki}Home"))
        wait_until(lambda: worker.ends == {brief.sid: "expired", sid: "logout"}, "both ends in the log", 20)
        assert "up to date" in run_command(fortress.url, "status", WIKI_REDIS_TIMEOUT="5").stdout
        assert worker.stop() == 0
    with fortress.client() as client:
        refused = {(entry["username"], entry["object"]) for entry in client.acl_log()}
    # The worker asks for CONFIG, and does without.
    assert refused <= {("wiki-worker", "config|get")}


def test_without_the_clients_certificate_the_right_password_opens_nothing(fortress: RedisServer):
    url = re.sub(r"&ssl_(certfile|keyfile)=[^&]*", "", as_user(fortress.url, "wiki-worker"))
    done = run_command(url, "check", WIKI_REDIS_TIMEOUT="5")
    assert done.returncode == 1
    assert "ssl_certfile" in done.stdout
    assert "secret-of" not in done.stdout + done.stderr


def menu(page: str) -> str:
    """Return where the wiki greets its reader."""
    (found,) = re.findall(r'<ul id="moin-username">(.*?)</ul>', page, re.DOTALL)
    return found
