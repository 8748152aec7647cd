"""Wikis of MoinMoin 1.9, each a process of an environment of its own, and readers of theirs."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any, NamedTuple

from tests.servers import free_port
from tests.wait import wait_until

ROOT = Path(__file__).parents[2]

#: Where the environment is; another interpreter that has MoinMoin 1.9 can be named instead, one of Python 2.7 too.
PLACE, VARIABLE = ROOT / ".venv-moin19", "WIKI_TEST_MOIN19_PYTHON"

COOKIE = "wiki_session"


def python19() -> str:
    """Return the interpreter that has MoinMoin 1.9; `make` installs it, into an environment of its own."""
    if named := os.environ.get(VARIABLE):
        return named
    subprocess.run(["make", "--quiet", "moin19"], cwd=ROOT, check=True, stdout=sys.stderr)
    return str(PLACE / "bin" / "python")


class Answer(NamedTuple):
    """What a wiki answered."""

    status: int
    url: str
    text: str
    headers: Any


class Reader:
    """A browser without scripts."""

    def __init__(self, wiki: Wiki, cookie: str | None = None) -> None:
        self._wiki = wiki
        self.site_cookie = cookie
        self.jar = CookieJar()
        self._follow = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.jar))
        self._stay = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.jar), Stay)

    def get(self, path: str, *, follow: bool = False, **headers: str) -> Answer:
        """Ask for a page."""
        return self._ask(urllib.request.Request(self._wiki.url + path, headers=headers), follow=follow)

    def post(self, path: str, data: dict[str, str] | str) -> Answer:
        """Send a form, or an XML-RPC call."""
        body = data if isinstance(data, str) else urllib.parse.urlencode(data)
        kind = {"Content-Type": "text/xml"} if isinstance(data, str) else {}
        return self._ask(urllib.request.Request(self._wiki.url + path, data=body.encode(), headers=kind))

    def name(self, path: str = "/Home") -> str | None:
        """Return the name under which a page greets the reader; None: as anonymous."""
        return name_in(self.get(path).text)

    def _ask(self, request: urllib.request.Request, *, follow: bool = False) -> Answer:
        if self.site_cookie:
            request.add_unredirected_header("Cookie", f"{COOKIE}={self.site_cookie}")
            own = "; ".join(f"{cookie.name}={cookie.value}" for cookie in self.jar)
            if own:
                request.add_unredirected_header("Cookie", f"{COOKIE}={self.site_cookie}; {own}")
        answer = self._open(request, follow)
        assert answer.status != 500 or "ConfigurationError" in answer.text, self._wiki.said[-3000:]
        return answer

    def _open(self, request: urllib.request.Request, follow: bool) -> Answer:
        try:
            with (self._follow if follow else self._stay).open(request, timeout=30) as response:
                return Answer(response.status, response.url, response.read().decode(), response.headers)
        except urllib.error.HTTPError as response:
            return Answer(response.code, response.url, response.read().decode(), response.headers)


class Stay(urllib.request.HTTPRedirectHandler):
    """Follows no redirect."""

    def redirect_request(self, *_: Any) -> None:
        """Stay."""


def name_in(page: str) -> str | None:
    """Return the name that a page greets its reader by."""
    menu = re.search(r'<(ul|div) id="username">(.*?)</\1>', page, re.DOTALL)
    assert menu, page
    found = re.search(r'<a[^>]*id="userhome"[^>]*>(?:<[^>]*>)?([^<]*)', menu[2])
    assert bool(found) == ("action=userprefs" in menu[2]), menu[2]
    return unescape(found[1]) if found else None


class Wiki:
    """A running wiki."""

    def __init__(self, url: str, place: Path, output: Path) -> None:
        self.url = url
        self.place = place
        self._output = output

    def reader(self, cookie: str | None = None) -> Reader:
        """Return a browser that holds the site's cookie, or none."""
        return Reader(self, cookie)

    @property
    def said(self) -> str:
        """What the wiki has written to its log."""
        return self._output.read_text()

    def write(self, page: str, text: str) -> None:
        """Put a page into the wiki's directory."""
        put(self.place, page, text)

    def profiles(self) -> list[dict[str, str]]:
        """Return what the profiles' files say."""
        files = [path for path in (self.place / "data" / "user").iterdir() if re.fullmatch(r"[\d.]+", path.name)]
        return [
            {"id": path.name}
            | dict(line.split("=", 1) for line in path.read_text().splitlines() if not line.startswith("#"))
            for path in sorted(files)
        ]


def put(place: Path, page: str, text: str) -> None:
    """Put a page into a wiki's directory; a wiki that has looked for it already goes on without it."""
    directory = place / "data" / "pages" / page
    (directory / "revisions").mkdir(parents=True)
    (directory / "revisions" / "00000001").write_text(text)
    (directory / "current").write_text("00000001\n")


@contextmanager
def running(place: Path, options: dict[str, Any]) -> Iterator[Wiki]:
    """Run a wiki for as long as the block lasts."""
    port, output = options.pop("port", None) or free_port(), place / "wiki19.out"
    command = [python19(), str(ROOT / "tests" / "moin19" / "wiki.py"), str(port), str(place), json.dumps(options)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("WIKI_")}
    with output.open("ab") as out:
        process = subprocess.Popen(
            command, cwd=place, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out
        )
    wiki = Wiki(f"http://127.0.0.1:{port}{options.get('root', '')}", place, output)
    try:
        wait_until(lambda: process.poll() is not None or _answers(port), "the wiki to answer", 60)
        assert process.poll() is None, wiki.said
        yield wiki
    finally:
        process.kill()
        process.wait()


def _answers(port: int) -> bool:
    import socket

    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
