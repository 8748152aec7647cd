"""Certificates for tests: an authority of their own, and what it vouches for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import trustme


@dataclass(frozen=True)
class Certificates:
    """The files of an authority, and of what it has signed.

    Attributes:
        authority: the authority's own certificate.
        chain: what a server, or a client, shows.
        key: its key.
    """

    authority: Path
    chain: Path
    key: Path

    @property
    def settings(self) -> dict[str, str]:
        """What a server is told, underscores for dashes."""
        return {
            "tls_cert_file": str(self.chain),
            "tls_key_file": str(self.key),
            "tls_ca_cert_file": str(self.authority),
        }

    @property
    def options(self) -> str:
        """What clients that believe the authority have after their URL's question mark."""
        return f"ssl_ca_certs={self.authority}"

    @property
    def client_options(self) -> str:
        """The same, for a client that shows this certificate."""
        return f"{self.options}&ssl_certfile={self.chain}&ssl_keyfile={self.key}"


class Authority:
    """An authority, in a directory of its own."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._place.mkdir(parents=True, exist_ok=True)
        self._numbers = count()
        self._authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
        self._authority.cert_pem.write_to_path(str(place / "ca.pem"))

    def issue(self, *names: str, until: datetime | None = None) -> Certificates:
        """Issue a certificate for hosts."""
        leaf = self._authority.issue_cert(*names, not_after=until, key_type=trustme.KeyType.ECDSA)
        number = next(self._numbers)
        chain, key = self._place / f"{number}.pem", self._place / f"{number}.key"
        leaf.cert_chain_pems[0].write_to_path(str(chain))
        leaf.private_key_pem.write_to_path(str(key))
        return Certificates(self._place / "ca.pem", chain, key)


#: A time that is over.
PAST = datetime(2020, 1, 1, tzinfo=UTC)
