"""Where readers are, where they may be led to in the wiki, and where the site is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from flask import Response, make_response, redirect, request
from werkzeug.urls import iri_to_uri

#: The name of the query's field that says where to return to: an address below the wiki's root, ``/Home?do=this``.
NEXT = "next"

#: Characters of such an address. It comes quoted three times over, and web servers refuse 4,094 in all.
LONGEST = 1000

#: An address of the wiki's own: no host, nothing that a browser would drop or read as a slash.
_ADDRESS = re.compile(r"/(?![/\\])[!-\[\]-~]*")

#: What stays as it is when a path is quoted.
_SAFE = "/:@!$&'()*+,;=~"


def here() -> str:
    """Return the address of the page that is asked for; of a page that is too long to return to, what fits."""
    path = quote(request.path, safe=_SAFE)
    query = quote(request.query_string, safe=_SAFE + "%?")
    return clean(f"{path}?{query}" if query else path) or clean(path) or "/"


def given() -> str:
    """Return the address that the request wants to return to, where it is one of this wiki's; else the wiki's root."""
    return clean(request.values.get(NEXT, "")) or "/"


def clean(address: str) -> str | None:
    """Return an address if a browser that is led there stays within the wiki."""
    if len(address) > LONGEST or not _ADDRESS.fullmatch(address):
        return None
    path = address.partition("?")[0].partition("#")[0]
    climbs = any(part.lower().replace("%2e", ".") in {".", ".."} for part in path.split("/"))
    return None if climbs else address


def local(address: str) -> str:
    """Return what a link to an address of the wiki's holds, below a path too."""
    return quote(request.root_path, safe=_SAFE) + address


def go(target: str) -> Response:
    """Lead the browser to an address of the wiki's, or to one of the site's pages."""
    response = make_response(redirect(local(target) if target.startswith("/") else target, 303))
    response.headers["Cache-Control"] = "no-store"
    return response


@dataclass(frozen=True)
class Places:
    """Site and wiki, as their readers reach them.

    Attributes:
        site_url: where the site's pages for the wiki are, with a slash at its end; empty: not known.
        wiki_url: where the wiki is, with a slash at its end; empty: as each request says.
    """

    site_url: str
    wiki_url: str

    def page(self, address: str) -> str:
        """Return the whole address of a page of the wiki, for the site."""
        root = self.wiki_url or iri_to_uri(request.url_root)
        return root.rstrip("/") + address

    def enter(self, address: str) -> str:
        """Return the site's page that logs in and returns to an address of the wiki's."""
        return f"{self.site_url}enter/?next={_quoted(self.page(address))}"

    def leave(self, address: str, key: str = "") -> str:
        """Return the site's page that logs out and returns to an address of the wiki's.

        Args:
            address: where to return to.
            key: the session's; without it, the site asks first.
        """
        return f"{self.site_url}leave/?next={_quoted(self.page(address))}" + (f"&key={key}" if key else "")

    def enter_afresh(self, address: str) -> str:
        """Return the site's page that logs out and then in again."""
        return f"{self.site_url}leave/?next={_quoted(self.enter(address).removeprefix(self.home.rstrip('/')))}"

    @property
    def home(self) -> str:
        """Where the site's own pages begin."""
        parts = urlsplit(self.site_url)
        return f"{parts.scheme}://{parts.netloc}/"


def _quoted(address: str) -> str:
    return quote(address, safe="")
