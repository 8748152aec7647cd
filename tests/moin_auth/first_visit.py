"""A process of a wiki: it waits for a word, then visits the wiki with a cookie and says which name it was given."""

from __future__ import annotations

import sys
from pathlib import Path

from moin_auth import ExternalCookie

from .conftest import Wiki, make_app


def open_wiki(place: Path, redis_url: str, **config: object) -> Wiki:
    """Open a wiki whose pages and profiles lie on the disk."""
    method = ExternalCookie(redis_url=redis_url, redis_timeout=15, autocreate=True)
    stores = f"fs:{place}/data/%(backend)s/%(kind)s"
    return Wiki(make_app(place, "", {"auth": [method], "destroy_backend": False, **config}, stores=stores))


if __name__ == "__main__":
    wiki = open_wiki(Path(sys.argv[1]), sys.argv[2], create_backend=False)
    wiki.warm_up()
    reader = wiki.reader(sys.argv[3])
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    sys.stdout.write(f"{wiki.name(reader)}\n")
