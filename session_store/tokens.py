"""What the cookie holds, and what the rest of the world may see of it.

A token is ``<shard>.<43 url-safe characters>``: an HMAC-SHA256 under the site's secret of a random nonce and a
generation. So the site can make the same token again, and nobody else can. A sid is the first 128 bits of the
token's SHA-256: who reads all of Redis still holds no usable cookie.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from binascii import b2a_base64
from functools import cached_property
from typing import Any

import msgspec

#: Longer than any token; what is longer is refused before it is looked at.
MAX_LENGTH = 64

_TOKEN = re.compile(r"(0|[1-9][0-9]{0,3})\.[A-Za-z0-9_-]{43}", re.ASCII)
_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_LABEL = b"django-moin-sso token 1"
_LOGOUT = b"django-moin-sso logout 1"


class Token(msgspec.Struct, frozen=True, dict=True):
    """A cookie's value that has the form of a token; whether it proves anything, Redis says."""

    value: str
    shard: int

    def __repr__(self) -> str:
        """Say which shard it is of; the value is a secret."""
        return f"Token(shard={self.shard})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """Say the same to what prints tracebacks in colours."""
        return [("shard", self.shard)]

    @cached_property
    def sid(self) -> str:
        """The session's public name, 22 characters."""
        return _encode(hashlib.sha256(self.value.encode()).digest()[:16])

    @cached_property
    def logout_key(self) -> str:
        """What a link to log out carries: no page can make one that doesn't know the token, and none gives it away."""
        return _encode(hmac.digest(self.value.encode(), _LOGOUT, "sha256")[:16])

    def is_logout_key(self, text: str) -> bool:
        """Whether a text is `logout_key`; how long that takes tells nothing."""
        return hmac.compare_digest(self.logout_key.encode(), text.encode("utf-8", "surrogatepass"))


def parse_token(text: str | None) -> Token | None:
    """Read a cookie's value; None for whatever is not a token."""
    if not text or len(text) > MAX_LENGTH:
        return None
    match = _TOKEN.fullmatch(text)
    return Token(text, int(match[1])) if match else None


def token_in_header(header: str | None, cookie_name: str) -> Token | None:
    """Find the token in a request's Cookie header.

    Where several cookies of the name differ, none counts: a sibling host may have planted one of them (cookie tossing).
    """
    if not header or cookie_name not in header:
        return None
    found = None
    for part in header.split(";"):
        name, _, value = part.partition("=")
        if name.strip() == cookie_name:
            value = value.strip()
            if found is not None and found != value:
                return None
            found = value
    return parse_token(found)


def make_token(secret: bytes, nonce: str, generation: int, shard: int) -> Token:
    """Make the token of a nonce and a generation; the same arguments always give the same token."""
    message = b"\0".join((_LABEL, nonce.encode(), str(generation).encode(), str(shard).encode()))
    digest = hmac.digest(secret, message, "sha256")
    return Token(f"{shard}.{_encode(digest)}", shard)


def make_nonce() -> str:
    """Return 128 random bits as 22 characters."""
    return secrets.token_urlsafe(16)


def _encode(raw: bytes) -> str:
    """Return bytes as base64url without padding."""
    return b2a_base64(raw, newline=False).translate(_URL_SAFE, b"=").decode("ascii")
