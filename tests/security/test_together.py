"""Site, wiki and worker as programs, under their ACL users, over TLS with certificates on both sides."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from session_store import Config, Store
from tests.acceptance.houses import PLACES, Browser, house, menu
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


def test_in_and_out_and_every_end_in_the_log_with_no_more_rights_than_needed(fortress: RedisServer, tmp_path: Path):
    admin = Store(Config(redis_url=fortress.url, redis_timeout=PATIENCE))
    with (
        WorkerProcess(tmp_path, fortress.url, WIKI_REDIS_TIMEOUT="5") as worker,
        house(tmp_path, fortress.url, *PLACES["below a path"]) as (site, wiki),
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
