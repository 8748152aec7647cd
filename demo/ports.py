"""Ports on the loopback interface."""

from __future__ import annotations

import socket

from .errors import DemoError

HOST = "127.0.0.1"


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def check_free(port: int, name: str, command: str = "make demo") -> None:
    """Make sure that a program can listen there.

    Args:
        port: where.
        name: the variable that chooses the port.
        command: what is to be typed again, with that.

    Raises:
        DemoError: somebody else does, or nobody may.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port just left is free; servers see it so too
        try:
            probe.bind((HOST, port))
        except PermissionError:
            another = f"Choose one above 1023: {name}=8100 {command}"
            raise DemoError(f"Port {port} is not for this user. {another}") from None
        except OSError:
            other = port + 1 if port < 65535 else port - 1
            raise DemoError(f"Port {port} is taken. Choose another: {name}={other} {command}") from None
