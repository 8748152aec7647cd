"""A real PostgreSQL."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
from pathlib import Path

from .database_server import GUARD, DatabaseServer

#: Where Debian puts the programs of each version.
DEBIAN = Path("/usr/lib/postgresql")

#: PostgreSQL refuses to run as root; then it runs as this one, whom Debian's package makes.
USER = "postgres"


class PostgresServer(DatabaseServer):
    """PostgreSQL; its superuser is ``tests``, without a password."""

    farewell = signal.SIGINT

    @property
    def host(self) -> str:
        """The directory of its socket, which clients take for a host."""
        return str(self.directory)

    def initialise(self) -> None:
        if os.geteuid() == 0:
            shutil.chown(self.directory, USER)
        words = ["--auth=trust", "--username=tests", "--encoding=UTF8", "--locale=C", "--no-sync"]
        command = [*_as_somebody(), str(program("initdb")), *words, "-D", str(self.data)]
        subprocess.run(command, check=True, capture_output=True, cwd="/")

    def command(self) -> list[str]:
        options = {"listen_addresses": "", "unix_socket_directories": self.host, "fsync": "off"}
        words = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        return [*_as_somebody(), str(program("postgres")), "-D", str(self.data), *words]

    def answers(self) -> bool:
        import psycopg

        try:
            psycopg.connect(host=self.host, user="tests", dbname="postgres").close()
        except psycopg.OperationalError:
            return False
        return True


def program(name: str) -> Path:
    """Return one of its programs: the newest that Debian has, or what PATH finds; its absence is an error."""
    versions = sorted(DEBIAN.glob(f"*/bin/{name}"), key=lambda path: float(path.parts[-3]))
    found = versions[-1] if versions else shutil.which(name)
    if found is None:
        raise FileNotFoundError(f"{name} is not there; on Debian: apt-get install postgresql")
    return Path(found)


def _as_somebody() -> list[str]:
    """Return what a command begins with: ended with the tests, and not run as root."""
    if os.geteuid() != 0:
        return GUARD
    somebody = pwd.getpwnam(USER)
    return [*GUARD, "--reuid", str(somebody.pw_uid), "--regid", str(somebody.pw_gid), "--clear-groups"]
