"""The options of a ``rediss://`` URL: which certificates are believed, and which one is shown."""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable, Mapping

from .errors import ConfigurationError

#: What may stand after the URL's ``?``.
OPTIONS = (
    "ssl_ca_certs",
    "ssl_ca_path",
    "ssl_certfile",
    "ssl_keyfile",
    "ssl_cert_reqs",
    "ssl_check_hostname",
    "ssl_min_version",
    "ssl_ciphers",
)

VERSIONS = {"TLSv1.2": ssl.TLSVersion.TLSv1_2, "TLSv1.3": ssl.TLSVersion.TLSv1_3}

_URL = "WIKI_REDIS_URL"


def prepare_tls(options: Mapping[str, str]) -> dict[str, str]:
    """Return the options as redis-py wants them; load what they name, so that a wrong one is told of at the start.

    Raises:
        ConfigurationError: one of them can't be used; it is named.
    """
    found = dict(options)
    version = found.get("ssl_min_version")
    if version is not None:
        if version not in VERSIONS:
            raise ConfigurationError(_URL, f"has an ssl_min_version that is none of {', '.join(VERSIONS)}")
        found["ssl_min_version"] = str(int(VERSIONS[version]))
    context = ssl.create_default_context()
    if "ssl_ca_certs" in found:
        _load("ssl_ca_certs", found["ssl_ca_certs"], context.load_verify_locations)
    if "ssl_ca_path" in found:
        _load("ssl_ca_path", found["ssl_ca_path"], os.listdir)  # OpenSSL takes one that is not there for an empty one
    certificate, key = found.get("ssl_certfile"), found.get("ssl_keyfile")
    if certificate:
        _load("ssl_certfile", certificate, lambda path: context.load_cert_chain(path, key, password=_refuse))
    elif key:
        raise ConfigurationError(_URL, "has ssl_keyfile, but no ssl_certfile")
    if "ssl_ciphers" in found:
        _load("ssl_ciphers", found["ssl_ciphers"], context.set_ciphers)
    return found


def is_checked(options: Mapping[str, str]) -> bool:
    """Whether a server must prove, by its certificate, that it is the host that the URL names."""
    checked = options.get("ssl_check_hostname", "true").lower() not in {"0", "f", "false", "n", "no", ""}
    return options.get("ssl_cert_reqs", "required") == "required" and checked


def _load(name: str, value: str, load: Callable[[str], object]) -> None:
    try:
        load(value)
    except ssl.SSLError as error:
        mismatch = "KEY_VALUES_MISMATCH" in str(error)
        why = "the key is not the certificate's" if mismatch else "OpenSSL can't use it, or its key"
        raise ConfigurationError(_URL, f"has {name}={value}: {why}") from None
    except OSError as error:
        raise ConfigurationError(_URL, f"has {name}={value}, or its key: {error.strerror}") from None


def _refuse() -> str:
    """Answer OpenSSL, which would ask on the terminal for the password of an encrypted key."""
    raise ssl.SSLError("the key is encrypted")
