"""Counts the commands that clients send to a server; what their scripts do is not counted."""

from __future__ import annotations

import re
import socket
import threading
from collections import Counter

from tests.servers import RedisServer


class Meter:
    """Counts while its context lasts, in `sent`, by the client's address."""

    def __init__(self, server: RedisServer) -> None:
        self._server = server
        self._stop = threading.Event()
        self.sent: Counter[str] = Counter()

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
            self.sent.update(filter(None, map(_sender, whole.split(b"\n"))))


def _sender(line: bytes) -> str:
    """Return the address of who sent a command; nothing for what a script has done."""
    found = re.match(rb"\+[0-9.]+ \[\d+ ([0-9.:]+)\]", line)
    return found[1].decode() if found else ""
