"""The worker's health over HTTP: ``/livez``, ``/readyz``, ``/metrics``."""

from __future__ import annotations

import json
import logging
import socket
import threading
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST

from .health import Health
from .metrics import Metrics

#: Seconds that a client may take over its request.
PATIENCE = 5.0

_log = logging.getLogger(__name__)


def serve_health(host: str, port: int, *, health: Health, metrics: Metrics) -> ThreadingHTTPServer | None:
    """Answer in threads of its own; None where the port can't be had, which the log says."""

    class Handler(_Handler):
        pages = {  # noqa: RUF012 - one class a server
            "/livez": lambda: _livez(health),
            "/readyz": lambda: _readyz(health),
            "/metrics": lambda: (200, CONTENT_TYPE_LATEST, metrics.page()),
        }

    class Server(ThreadingHTTPServer):
        address_family = socket.AF_INET6 if ":" in host else socket.AF_INET

    try:
        server = Server((host, port), Handler)
    except OSError as error:
        _log.error("no health page: %s on %s:%d; set WIKI_WORKER_HTTP", error.strerror, host, port)
        return None
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, name="http", daemon=True).start()
    _log.info("health at http://%s:%d/readyz", host, server.server_port)
    return server


def _livez(health: Health) -> tuple[int, str, bytes]:
    stuck = health.stuck()
    text = f"stuck: {', '.join(stuck)}\n" if stuck else "alive\n"
    return (503 if stuck else 200), "text/plain; charset=utf-8", text.encode()


def _readyz(health: Health) -> tuple[int, str, bytes]:
    verdicts = list(health.readiness())
    ready = all(verdict.holds for verdict in verdicts)
    body = {"status": "ready" if ready else "degraded", "conditions": [asdict(verdict) for verdict in verdicts]}
    return (200 if ready else 503), "application/json", json.dumps(body, indent=2).encode() + b"\n"


class _Handler(BaseHTTPRequestHandler):
    pages: dict[str, Any]
    timeout = PATIENCE
    server_version = "wiki-worker"
    sys_version = ""

    def do_GET(self) -> None:
        page = self.pages.get(self.path.split("?", 1)[0])
        status, kind, body = page() if page else (404, "text/plain; charset=utf-8", b"/livez, /readyz, /metrics\n")
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Probes come every few seconds; they are not worth a line."""
