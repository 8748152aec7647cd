"""Servers that are not what a wiki expects where its Redis should be."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.servers import RedisServer, free_port

#: What an odd server says, whatever it is asked: protocol errors, and answers of the wrong kind.
ODD = {
    "odd": b"\x00\xffnonsense\r\n",
    "ok": b"+OK\r\n" * 8,
    "numbers": b":7\r\n" * 8,
    "nested": b"*3\r\n*1\r\n:1\r\n%1\r\n+a\r\n:1\r\n$-1\r\n" * 8,
    "texts": b"*3\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n" * 8,
    "errors": b"-WRONGTYPE Operation against a key\r\n" * 8,
    "mute": b"",
}


@contextmanager
def broken(kind: str) -> Iterator[str]:
    """Give the URL of a server that is ``away``, ``hung``, or says something of `ODD`."""
    if kind == "away":
        yield f"redis://127.0.0.1:{free_port()}/0"
    elif kind == "hung":
        with RedisServer() as server:
            server.pause()
            yield server.url
    else:
        with saying(ODD[kind]) as url:
            yield url


@contextmanager
def saying(words: bytes) -> Iterator[str]:
    """Run a server that answers everything with the same words, and hangs up where there are none."""

    class Talker(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            while self.request.recv(65536) and words:
                self.request.sendall(words)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Talker) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"redis://127.0.0.1:{server.server_address[1]}/0"
        finally:
            server.shutdown()
            thread.join()
