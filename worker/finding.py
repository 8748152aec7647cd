"""What `wiki-worker check` has to say."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        level: ``ok``; ``note``, good to know; ``wrong``, must be mended.
        remedy: what to do about it.
    """

    topic: str
    level: str
    text: str
    remedy: str = ""
