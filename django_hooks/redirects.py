"""Where a log-in or log-out may lead: to a page of this site, or of its wiki, and nowhere else."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, quote, urlsplit

#: Characters. Web servers refuse addresses of 4,094 and more, and this one comes quoted within another.
LONGEST = 2000

#: What an address may be spelled with. Browsers drop tabs and line ends, and read a backslash as a slash.
_SPELLING = re.compile(r"[!-\[\]-~\xa0-\ud7ff\ue000-\U0010ffff]+")

#: What stays as it is when an address is quoted: what has a meaning in it, and what is quoted already.
_SAFE = "/%:@!$&'()*+,;=~"

_PORTS = {"http": 80, "https": 443}


def allowed(address: str | None, wiki_url: str) -> str | None:
    """Return the address that a browser may be sent to; None: to none of ours.

    The answer is built anew, with the wiki's own scheme and host, so that no reading of the given one matters.

    Args:
        address: a path on this site (``/news/?page=2``), or the whole address of a page of the wiki.
        wiki_url: where the wiki is, with a slash at its end; empty: there is none.
    """
    if not address or len(address) > LONGEST or not _SPELLING.fullmatch(address):
        return None
    try:
        parts = urlsplit(address)
        if parts.scheme or parts.netloc:
            return _in_wiki(parts, urlsplit(wiki_url)) if wiki_url else None
    except ValueError:  # a port or a host that is none
        return None
    return _on_site(parts)


def _on_site(parts: SplitResult) -> str | None:
    path = parts.path
    if not path.startswith("/") or path.startswith("//") or _climbs(path):
        return None
    return _page(parts)


def _in_wiki(parts: SplitResult, wiki: SplitResult) -> str | None:
    path = parts.path or "/"
    below = path.startswith(wiki.path) or path == wiki.path.removesuffix("/")
    if "@" in parts.netloc or _origin(parts) != _origin(wiki) or not below or _climbs(path):
        return None
    return f"{wiki.scheme}://{wiki.netloc}{_page(parts)}"


def _origin(parts: SplitResult) -> tuple[str, str | None, int | None]:
    return parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme)


def _climbs(path: str) -> bool:
    """Whether a browser would leave a directory on its way."""
    return any(part.lower().replace("%2e", ".") in {".", ".."} for part in path.split("/"))


def _page(parts: SplitResult) -> str:
    query = f"?{quote(parts.query, safe=_SAFE + '?')}" if parts.query else ""
    return quote(parts.path or "/", safe=_SAFE) + query
