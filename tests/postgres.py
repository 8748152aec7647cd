"""A real PostgreSQL server, started by the tests and always ended by them."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from .wait import wait_until

#: Where Debian puts the programs of each version.
DEBIAN = Path("/usr/lib/postgresql")

#: Seconds for a start and for a stop.
PATIENCE = 30

#: PostgreSQL refuses to run as root; then it runs as this one, whom Debian's package makes.
USER = "postgres"


class PostgresServer:
    """A server with a directory of its own, reached through a socket there; it can be stopped and started again."""

    def __init__(self) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="pg-")
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            self._initialise()
            self.start()
        except BaseException:
            self._clear()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._clear()

    @property
    def host(self) -> str:
        """The directory of its socket, which clients take for a host."""
        return self._directory.name

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = {"listen_addresses": "", "unix_socket_directories": self.host, "fsync": "off"}
        words = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*_as_somebody(), str(program("postgres")), "-D", str(self._data), *words], stdout=log, stderr=log
            )
        wait_until(self._answers, "PostgreSQL to answer", PATIENCE)

    def stop(self) -> None:
        """Let it stop at once, and in order: its clients are cut off."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(PATIENCE)
            self._process = None

    @property
    def _data(self) -> Path:
        return Path(self._directory.name) / "data"

    @property
    def _log(self) -> Path:
        return Path(self._directory.name) / "server.log"

    def _initialise(self) -> None:
        if os.geteuid() == 0:
            shutil.chown(self.host, USER)
        words = [
            "--auth=trust",
            "--username=tests",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
            "-D",
            str(self._data),
        ]
        subprocess.run([*_as_somebody(), str(program("initdb")), *words], check=True, capture_output=True, cwd="/")

    def _answers(self) -> bool:
        import psycopg

        assert self._process is not None
        if self._process.poll() is not None:
            raise AssertionError(f"PostgreSQL ended as it started:\n{self._log.read_text()[-2000:]}")
        try:
            psycopg.connect(host=self.host, user="tests", dbname="postgres").close()
        except psycopg.OperationalError:
            return False
        return True

    def _clear(self) -> None:
        self.stop()
        self._directory.cleanup()


def program(name: str) -> Path:
    """Return one of its programs: the newest that Debian has, or what PATH finds; its absence is an error."""
    versions = sorted(DEBIAN.glob(f"*/bin/{name}"), key=lambda path: float(path.parts[-3]))
    found = versions[-1] if versions else shutil.which(name)
    if found is None:
        raise FileNotFoundError(f"{name} is not there; on Debian: apt-get install postgresql")
    return Path(found)


def _as_somebody() -> list[str]:
    """Return what a command begins with: ended with the tests, and not run as root."""
    words = ["setpriv", "--pdeathsig", "KILL"]
    if os.geteuid() == 0:
        somebody = pwd.getpwnam(USER)
        words += ["--reuid", str(somebody.pw_uid), "--regid", str(somebody.pw_gid), "--clear-groups"]
    return words
