"""The wiki for a WSGI server."""

import mimetypes
from pathlib import Path

from moin.app import create_app

application = create_app(Path(__file__).with_name("wikiconfig.py"))

mimetypes.add_type("image/svg+xml", ".svg")  # moin has made it text/xml, which browsers don't show as its logo
