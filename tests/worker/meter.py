"""Counts the commands that clients send to a server; what their scripts do is not counted."""

from __future__ import annotations

import re
import socket
import threading
from collections import Counter
from importlib.resources import files
from pathlib import Path

from session_store.scripts import load
from tests.servers import RedisServer

#: Which verb's script has which SHA-1.
VERBS = {load(path.stem).sha: path.stem for path in Path(str(files("session_store.lua"))).glob("[!_]*.lua")}


class Meter:
    """Counts while its context lasts, by the client's address: in `sent` all, in `kinds` by command or script as well.

    What an administrator may do alone, such as CONFIG, Redis does not tell of.
    """

    def __init__(self, server: RedisServer) -> None:
        self._server = server
        self._stop = threading.Event()
        self.kinds: Counter[tuple[str, str]] = Counter()

    @property
    def sent(self) -> Counter[str]:
        """How many commands each client has sent."""
        sent: Counter[str] = Counter()
        for (sender, _), count in self.kinds.items():
            sent[sender] += count
        return sent

    def __enter__(self) -> Meter:
        self._socket = socket.create_connection(("127.0.0.1", self._server.port), timeout=0.1)
        self._socket.sendall(b"MONITOR\r\n")
        assert self._socket.recv(5) == b"+OK\r\n"
        self._thread = threading.Thread(target=self._count)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(10)
        self._socket.close()

    def _count(self) -> None:
        rest = b""
        while not self._stop.is_set():
            try:
                text = rest + self._socket.recv(1 << 20)
            except TimeoutError:
                continue
            whole, _, rest = text.rpartition(b"\n")
            self.kinds.update(filter(None, map(_command, whole.split(b"\n"))))


def _command(line: bytes) -> tuple[str, str] | None:
    """Return the address of who sent a command, and which; nothing for what a script has done."""
    found = re.match(rb'\+[0-9.]+ \[\d+ ([0-9.:]+)\] "(\w+)"(?: "(\w+)")?', line)
    if not found:
        return None
    sender, name, first = (word.decode() if word else "" for word in found.groups())
    return sender, VERBS.get(first, name) if name == "EVALSHA" else name
