"""Whose address a request has, where it comes through proxies. Pure: what is trusted, and what was sent, go in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any, Self

from python_ipware import IpWare

#: The word by which a Unix socket, whose other end has no address, is trusted.
UNIX = "unix"

#: Hops that are looked at; a request that came through more was made up.
MOST_HOPS = 32

#: Addresses whose reading is remembered: about 1 MB.
REMEMBERED = 4096

#: Characters of an address, with a zone and a port.
LONGEST = 100

#: A hop's address, in the one header that is looked at.
HEADER = "HTTP_X_FORWARDED_FOR"

_ipware = IpWare(precedence=(HEADER,))


@dataclass(frozen=True)
class Proxies:
    """Who is believed about the address of the one before.

    Attributes:
        count: so many hops, whatever their addresses; nobody must be able to reach the site without passing them.
        networks: or else hops within these.
        unix: and whoever is at the other end of a Unix socket.
    """

    count: int = 0
    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    unix: bool = False

    @classmethod
    def parse(cls, value: Any) -> Self:
        """Read a setting: None, a number of proxies, or a list of addresses, networks and ``"unix"``.

        Raises:
            ValueError: it is none of those.
        """
        if value is None:
            return cls()
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_HOPS:
            return cls(count=value)
        if not isinstance(value, Sequence) or isinstance(value, str | bytes):
            raise ValueError(value)  # noqa: TRY004 - a setting's value, of whatever type
        networks = tuple(ip_network(str(each), strict=False) for each in value if each != UNIX)
        return cls(networks=networks, unix=UNIX in value)

    def client(self, remote: str, forwarded: str) -> str:
        """Return the client's address; empty where it is not known.

        Nothing that a client sends by itself counts: each hop is believed only about the one before it.

        Args:
            remote: the address at the other end of the connection; empty for a Unix socket.
            forwarded: the header X-Forwarded-For, in which each proxy has put the one before it last.
        """
        address = read_address(remote)
        hops = forwarded.rsplit(",", MOST_HOPS) if forwarded else []
        if len(hops) < self.count:
            return address  # it did not pass them all: what it says is its own
        for distance, hop in enumerate(reversed(hops)):
            before = read_address(hop) if self._trusts(distance, address) else ""
            if not before:
                break
            address = before
        return address

    def _trusts(self, distance: int, address: str) -> bool:
        if not address:
            return distance == 0 and (self.unix or self.count > 0)
        if not self.networks:
            return distance < self.count
        hop = ip_address(address)
        return any(hop in network for network in self.networks)


@lru_cache(REMEMBERED)
def read_address(text: str) -> str:
    """Return an address in its one spelling: without port, brackets or IPv6 clothes; empty where it is none."""
    address, _ = (
        _ipware.get_client_ip({HEADER: text}, strict=True) if len(text) < 100 and "," not in text else (None, 0)
    )
    return str(address).partition("%")[0] if address else ""
