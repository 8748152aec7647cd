"""Who a connection says it is."""

from __future__ import annotations

from pathlib import Path

import redis
from redis.credentials import CredentialProvider

from .errors import ConfigurationError
from .secret import Secret

_FILE = "WIKI_REDIS_PASSWORD_FILE"


class Credentials(CredentialProvider):
    """A user and a password. One in a file is read for each new connection, so that it can be changed while all runs.

    Args:
        user: the ACL user; empty: the default one.
        password: where there is no file.
        file: its path, or empty.
    """

    def __init__(self, user: str, password: Secret, file: str = "") -> None:
        self._user = user
        self._password = password
        self._file = file

    def get_credentials(self) -> tuple[str] | tuple[str, str]:
        """Return what AUTH is sent.

        Raises:
            redis.AuthenticationError: the file can't be read.
        """
        try:
            password = read_password(self._file) if self._file else self._password
        except ConfigurationError as error:
            raise redis.AuthenticationError(str(error)) from None
        return (self._user, password) if self._user else (password,)

    async def get_credentials_async(self) -> tuple[str] | tuple[str, str]:
        """Return the same in an event loop; a file as short as that keeps it waiting for microseconds."""
        return self.get_credentials()


def read_password(file: str) -> Secret:
    """Return what a file holds, without the line's end.

    Raises:
        ConfigurationError: that is no password.
    """
    try:
        password = Path(file).read_text(encoding="utf-8").rstrip("\r\n")
    except OSError as error:
        raise ConfigurationError(_FILE, f"names {file}, which can't be read: {error.strerror}") from None
    except ValueError:
        raise ConfigurationError(_FILE, f"names {file!r}, which holds no text") from None
    if not password or not password.isprintable():
        raise ConfigurationError(_FILE, f"names {file}, which must hold the password in one line, and nothing else")
    return Secret(password)
