"""A house of a site and its wiki, as a process that always ends, and a browser without a window to visit it."""

from __future__ import annotations

import http.cookiejar
import os
import re
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

from tests.acceptance.demos import ROOT
from tests.servers import free_port
from tests.wait import wait_until

#: Where site and wiki are, and the cookie's domain.
PLACES = {
    "below a path": ("http://localhost:{port}/", "http://localhost:{port}/wiki/", ""),
    "on a sub-domain": (
        "http://www.club.localhost:{port}/",
        "http://wiki.club.localhost:{port}/",
        "club.localhost",
    ),
}


@contextmanager
def house(
    place: Path, redis_url: str, site: str, wiki: str, domain: str, *, shards: int = 1
) -> Iterator[tuple[str, str]]:
    """Serve a house for as long as the block lasts; return where site and wiki are.

    Args:
        place: a directory of its own.
        redis_url: an administrator's.
        site: where the site is, `wiki`, where the wiki is, and `domain`, that of the cookie: see `PLACES`.
        shards: over how many shards users are spread.
    """
    port = free_port()
    site, wiki = site.format(port=port), wiki.format(port=port)
    command = [sys.executable, "-m", "tests.acceptance.house", str(port), str(place), redis_url, site, wiki, domain]
    environment = os.environ | {"WIKI_REDIS_SHARDS": str(shards)}
    with (place / "house.out").open("wb") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
    try:
        wait_until(lambda: _answers(port) or process.poll() is not None, "site and wiki to answer", 60)
        assert process.poll() is None, (place / "house.out").read_text()
        yield site, wiki
    finally:
        process.kill()
        process.wait()


class Browser:
    """What sends forms and keeps cookies."""

    def __init__(self) -> None:
        cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self._opener = urllib.request.build_opener(cookies)

    def get(self, url: str) -> str:
        """Return a page."""
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


def menu(page: str) -> str:
    """Return where the wiki greets its reader."""
    found: str
    (found,) = re.findall(r'<ul id="moin-username"[^>]*>(.*?)</ul>', page, re.DOTALL)
    return found


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
