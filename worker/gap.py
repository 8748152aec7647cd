"""What the roles tell each other when they may have missed something."""

from __future__ import annotations

from typing import Protocol


class OnGap(Protocol):
    """Told that something may have been missed. Any thread may call it."""

    def __call__(self, why: str, *, node: str = "") -> None:
        """Say why; `node`: the server that it was missed of, where that is known and there are several."""
