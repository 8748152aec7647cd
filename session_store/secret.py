"""Texts that code uses and nobody sees."""

from __future__ import annotations

from typing import Self


class Secret(str):
    """A text like any other to code, and `…` to whatever shows values: logs, messages, tracebacks with their variables.

    What is made of it (a slice, a sum) is an ordinary text.
    """

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        """Wrap a text; one that is wrapped already may be wrapped again."""
        return super().__new__(cls, text[:])

    def __repr__(self) -> str:
        return "'…'"

    def __str__(self) -> str:
        return "…"

    def __format__(self, _spec: str) -> str:
        return "…"

    def reveal(self) -> str:
        """Return the text itself."""
        return self[:]
