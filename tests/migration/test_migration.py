"""A site and a wiki of 2012 come over, by docs/migrating.md's own steps; nobody who is logged in logs in again."""

from __future__ import annotations

import ast
import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any

import redis

from tests.migration import old_way
from tests.moin19 import wikis
from tests.servers import RedisServer, free_port
from tests.wait import wait_until

DOCUMENT = (wikis.ROOT / "docs" / "migrating.md").read_text()
NAMES = ("anna", "bert", "cleo", "dirk")


def block(first_line: str) -> ast.Module:
    """Return the document's block of code that begins so."""
    (found,) = re.findall(rf"```python\n({re.escape(first_line)}\n.*?)```", DOCUMENT, re.DOTALL)
    return ast.parse(found)


def arguments() -> dict[str, Any]:
    """Return what the document gives ExternalCookie."""
    (call,) = [node for node in ast.walk(block("# wikiconfig.py")) if isinstance(node, ast.Call)]
    return {word.arg or "": ast.literal_eval(word.value) for word in call.keywords}


def settings() -> dict[str, Any]:
    """Return what the document puts into the settings."""
    lines = [node for node in block("# settings.py").body if isinstance(node, ast.Assign)]
    return {ast.unparse(line.targets[0]): ast.literal_eval(line.value) for line in lines}


class Browser:
    """Somebody's browser: one jar of cookies for site and wiki, as both are on one host."""

    def __init__(self, site: str, wiki: str) -> None:
        self.site, self.wiki = site, wiki
        self.jar = CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.jar))

    def ask(self, url: str, **form: str) -> str:
        data = urllib.parse.urlencode(form).encode() if form else None
        try:
            with self._opener.open(url, data, timeout=30) as answer:
                return answer.read().decode()
        except urllib.error.HTTPError as answer:
            text = answer.read().decode()
            assert answer.code == 404, text  # noqa: PT017 - as MoinMoin shows pages that are not there
            return text

    def log_in(self, name: str) -> None:
        assert self.ask(f"{self.site}login/", username=name, password="surf") == name

    def log_out(self) -> None:
        assert self.ask(f"{self.site}logout/", really="yes") == "nobody"

    @property
    def on_site(self) -> str:
        return self.ask(self.site)

    @property
    def in_wiki(self) -> str | None:
        return wikis.name_in(self.ask(f"{self.wiki}Home"))


def test_nobody_has_to_log_in_again(tmp_path: Path, redis_server: RedisServer, raw: redis.Redis) -> None:
    site_port, wiki_port = free_port(), free_port()
    site, wiki = f"http://127.0.0.1:{site_port}/", f"http://127.0.0.1:{wiki_port}/"
    places = {"redis_url": redis_server.url, "redis_timeout": 15, "site_url": f"{site}sso/", "url": wiki}
    given = {**arguments(), **places}

    def run_site(*, old: bool, new: bool) -> Any:
        return _site(tmp_path, site_port, redis_server.url, wiki, old=old, new=new)

    def run_wiki(**options: Any) -> Any:
        return wikis.running(tmp_path, {"port": wiki_port, **options})

    browsers = {name: Browser(site, wiki) for name in NAMES}

    with ExitStack() as old_task:
        old_task.enter_context(_celery(tmp_path, redis_server.url))
        with run_site(old=True, new=False):
            with run_wiki(old=redis_server.url):  # as it was
                for name in NAMES[:3]:
                    browsers[name].log_in(name)
                    assert browsers[name].in_wiki == name
                raw.zadd(old_way.SET, {"forgotten": 1})
                wait_until(lambda: raw.zscore(old_way.SET, "forgotten") is None, "Celery to clean up", 30)
            with run_wiki(method=given):  # step 1
                assert [browsers[name].in_wiki for name in NAMES[:3]] == list(NAMES[:3])
                browsers["dirk"].log_in("dirk")
                assert browsers["dirk"].in_wiki is None  # he has no account yet, and an old cookie makes none
        with run_site(old=True, new=True):  # step 2
            with run_wiki(method=given) as running:
                assert browsers["anna"].on_site == "anna"
                assert browsers["anna"].in_wiki == "anna"
                assert browsers["bert"].in_wiki == "bert"
                browsers["cleo"].log_out()
                assert browsers["cleo"].in_wiki is None
                assert [p["name"] for p in running.profiles() if p.get("site_user_id")] == ["anna"]
                assert [browsers[name].on_site for name in ("bert", "dirk")] == ["bert", "dirk"]
            new = {name: value for name, value in given.items() if "legacy" not in name}
            with run_wiki(method=new) as running:  # step 3
                assert [browsers[name].in_wiki for name in NAMES] == ["anna", "bert", None, "dirk"]
                names = [profile["name"] for profile in running.profiles()]
                assert sorted(names) == sorted(NAMES), "each has one account"
    raw.delete(old_way.SET)
    with run_site(old=False, new=True), run_wiki(method=new):  # step 4
        assert [browsers[name].on_site for name in NAMES] == ["anna", "bert", "nobody", "dirk"]
        assert [browsers[name].in_wiki for name in NAMES] == ["anna", "bert", None, "dirk"]


@contextmanager
def _site(place: Path, port: int, redis_url: str, wiki: str, *, old: bool, new: bool) -> Iterator[None]:
    kinds = ["yes" if kind else "no" for kind in (old, new)]
    words = [str(port), str(place), redis_url, wiki, *kinds, json.dumps(settings())]
    with _running([sys.executable, "-m", "tests.migration.site", *words], place / "site.out", redis_url) as process:
        wait_until(lambda: process.poll() is not None or _answers(port), "the site to answer", 60)
        assert process.poll() is None, (place / "site.out").read_text()
        yield


@contextmanager
def _celery(place: Path, redis_url: str) -> Iterator[None]:
    command = [sys.executable, "-m", "celery", "-A", "tests.migration.old_way", "worker", "--beat", "--pool", "solo"]
    words = ["--without-gossip", "--without-mingle", "--schedule", str(place / "beat")]
    with _running([*command, *words], place / "celery.out", redis_url):
        yield


@contextmanager
def _running(command: list[str], output: Path, redis_url: str) -> Iterator[subprocess.Popen[bytes]]:
    environment = {**os.environ, old_way.REDIS_URL: redis_url}
    with output.open("ab") as out:
        process = subprocess.Popen(
            command,
            cwd=wikis.ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,  # Celery's beat is a child of its worker, and would outlive it
        )
    try:
        yield process
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
