"""The client's IP address, as ``WIKI_TRUSTED_PROXIES`` says, and how much of it is kept, as ``WIKI_AUDIT_IP`` says."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from django.http import HttpRequest

from .conf import conf
from .proxies import HEADER

#: Bits of an address that are kept where it is truncated: a provider's customers in one place, not one of them.
NETWORKS = {4: 24, 6: 48}


def client_address(request: HttpRequest) -> str:
    """Return the address that a request comes from; empty where it is not known, as on a Unix socket.

    Unless ``WIKI_TRUSTED_PROXIES`` is set, that is the other end of the connection, whatever the request says.

    Raises:
        ConfigurationError: ``WIKI_TRUSTED_PROXIES`` can't be used.
    """
    meta = request.META
    return conf.trusted_proxies.client(meta.get("REMOTE_ADDR") or "", meta.get(HEADER) or "")


def keep_address(text: str) -> str:
    """Return what may be kept of an address; empty where that is nothing, or where it is no address.

    An IPv4 address in IPv6 clothes counts as IPv4; the zone of a link-local one says nothing outside its host.

    Raises:
        ConfigurationError: ``WIKI_AUDIT_IP`` is not one of its words.
    """
    policy = conf.audit_ip
    address = _parse(text) if policy != "none" else None
    if address is None:
        return ""
    return str(address) if policy == "full" else str(_truncated(address))


def _parse(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text.strip().partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _truncated(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    return ip_network((address, NETWORKS[address.version]), strict=False).network_address
