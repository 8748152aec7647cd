"""What every page may link to."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest


def places(_request: HttpRequest) -> dict[str, str]:
    """Return where the wiki is."""
    return {"wiki_url": settings.WIKI_URL}
