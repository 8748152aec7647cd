"""A real MariaDB."""

from __future__ import annotations

import os
import pwd
import shutil
import socket

from .database_server import GUARD, DatabaseServer


class MariaDBServer(DatabaseServer):
    """MariaDB, without grant tables: everybody may do everything."""

    @property
    def address(self) -> str:
        """Where clients reach it."""
        return str(self.directory / "socket")

    def initialise(self) -> None:
        self.data.mkdir()

    def command(self) -> list[str]:
        # Debian's place for it is not on everybody's PATH.
        found = shutil.which("mariadbd", path=os.environ["PATH"] + ":/usr/sbin")
        if found is None:
            raise FileNotFoundError("mariadbd is not there; on Debian: apt-get install mariadb-server-core")
        options = {
            "user": pwd.getpwuid(os.geteuid()).pw_name,
            "datadir": self.data,
            "socket": self.address,
            "pid-file": self.directory / "pid",
            "innodb-log-file-size": "8M",
            "innodb-flush-log-at-trx-commit": "0",
        }
        words = [f"--{name}={value}" for name, value in options.items()]
        return [*GUARD, found, "--no-defaults", "--skip-networking", "--skip-grant-tables", *words]

    def answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(self.address) == 0
