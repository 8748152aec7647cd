"""A real nginx, run from the project's own examples; only what is the machine's is put in their place."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.acceptance.demos import ROOT
from tests.certificates import Certificates
from tests.servers import free_port
from tests.wait import wait_until

EXAMPLES = ROOT / "conf" / "nginx"

#: Where nginx comes from, for those behind it.
ADDRESS = "127.0.0.2"

#: Around an example, as in Debian's nginx.conf.
FRAME = """
daemon off;
worker_processes 1;
pid {place}/nginx.pid;
error_log {place}/error.log;
events {{ worker_connections 256; }}
http {{
    access_log {place}/access.log;
    client_body_temp_path {place}/body;
    proxy_temp_path {place}/proxy;
    fastcgi_temp_path {place}/fastcgi;
    uwsgi_temp_path {place}/uwsgi;
    scgi_temp_path {place}/scgi;
    include {place}/site.conf;
}}
"""


def nginx() -> str:
    """Return the path of nginx.

    Raises:
        FileNotFoundError: it is not installed.
    """
    path = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if path is None:
        raise FileNotFoundError("these tests run a real nginx; on Debian: make nginx")
    return path


@contextmanager
def running(
    example: str, place: Path, port: int, certificates: Certificates, words: Mapping[str, str]
) -> Iterator[None]:
    """Run nginx for as long as the block lasts.

    Args:
        example: the file's name in conf/nginx.
        place: its directory.
        port: where it speaks HTTPS.
        certificates: what it shows.
        words: what stands in the example, and what to put there.
    """
    place.mkdir()
    text = (EXAMPLES / example).read_text()
    ours = {
        "listen 443": f"listen 127.0.0.1:{port}",
        "listen 80": f"listen 127.0.0.1:{free_port()}",
        "/etc/ssl/certs/example.org.pem": str(certificates.chain),
        "/etc/ssl/private/example.org.key": str(certificates.key),
        **words,
    }
    for word, instead in ours.items():
        assert word in text, word
        text = text.replace(word, instead)
    (place / "site.conf").write_text(text)
    own = f"proxy_bind {ADDRESS};\n"  # so that upstream, nginx can be told from the browser
    (place / "proxy.conf").write_text((EXAMPLES / "proxy.conf").read_text() + own)
    (place / "nginx.conf").write_text(FRAME.format(place=place))
    command = [nginx(), "-p", str(place), "-c", str(place / "nginx.conf")]
    with (place / "nginx.out").open("wb") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    try:
        wait_until(lambda: process.poll() is not None or _answers(port), "nginx to answer", 20)
        assert process.poll() is None, (place / "nginx.out").read_text()
        yield
    finally:
        process.terminate()
        process.wait(10)


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
