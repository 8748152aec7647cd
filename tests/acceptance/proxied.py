"""A site, and on wish a wiki of MoinMoin 2, as they stand behind a web server that speaks HTTPS for them.

``python -m tests.acceptance.proxied PORT DIRECTORY REDIS_URL SITE_URL WIKI_URL COOKIE_DOMAIN COOKIE_NAME WIKI``;
WIKI is ``moin2`` or ``none``.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from werkzeug.serving import run_simple

from tests.acceptance.house import front, make_site, make_wiki
from tests.acceptance.nginxes import ADDRESS


def main() -> None:
    """Serve until killed."""
    port, place, redis_url, site_url, wiki_url, domain, cookie, kind = sys.argv[1:]
    os.environ.update(WIKI_COOKIE_NAME=cookie, WIKI_URL=wiki_url)
    wiki = make_wiki(Path(place), redis_url, site_url) if kind == "moin2" else None
    site = make_site(
        Path(place),
        redis_url,
        wiki_url,
        domain,
        WIKI_COOKIE_NAME=cookie,
        WIKI_TRUSTED_PROXIES=[ADDRESS],
        SECURE_PROXY_SSL_HEADER=("HTTP_X_FORWARDED_PROTO", "https"),
        SESSION_COOKIE_SECURE=True,
        CSRF_COOKIE_SECURE=True,
    )
    app = front(site, wiki, wiki_url) if wiki is not None else site
    run_simple("127.0.0.1", int(port), app, threaded=True)


if __name__ == "__main__":
    main()
