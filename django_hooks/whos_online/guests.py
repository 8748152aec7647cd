"""What is kept of a guest: a keyed hash of the address, another one every day."""

from __future__ import annotations

import base64
import hmac
import time
from functools import lru_cache
from ipaddress import ip_address, ip_network

from django.conf import settings
from django.utils.encoding import force_bytes

#: Bits of an IPv6 address that tell one household, or one phone, from another; those behind change by themselves.
NETWORK = 64

#: Seconds of a day; days are counted from the epoch, in UTC.
DAY = 86_400

#: Bytes of a hash: of a million visitors no two have the same.
SIZE = 9

#: The part of a key that does not change from day to day, for what can't be read back.
LASTING = "crowd"


def place_of(address: str) -> str:
    """Return what counts as one visitor: an IPv4 address, or a network of IPv6; empty where nothing is known."""
    if ":" not in address:
        return address
    return str(ip_network((ip_address(address), NETWORK), strict=False).network_address)


def ids_of(place: str) -> dict[int, str]:
    """Return a place's id on each day that it may be by Redis' clock: yesterday, today and tomorrow by ours."""
    today = int(time.time()) // DAY
    return {day: _hash(str(day), place) for day in (today - 1, today, today + 1)}


def word_of(place: str) -> str:
    """Return what a sketch is given, the same every day."""
    return _hash(LASTING, place)


def _hash(period: str, place: str) -> str:
    digest = hmac.digest(_key(force_bytes(settings.SECRET_KEY), period), place.encode(), "sha256")
    return base64.urlsafe_b64encode(digest[:SIZE]).decode()


@lru_cache(8)
def _key(secret: bytes, period: str) -> bytes:
    return hmac.digest(secret, b"django-moin-sso guest 1\0" + period.encode(), "sha256")
