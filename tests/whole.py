"""What tests start: it is there as a whole or not at all, and ends with its context."""

from __future__ import annotations

from types import TracebackType
from typing import Self


class Whole:
    """A context that ends at once, too, where its beginning fails halfway."""

    def __enter__(self) -> Self:
        try:
            self._begin()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def _begin(self) -> None:
        """Start everything."""
        raise NotImplementedError

    def _end(self) -> None:
        """End whatever has been started."""
        raise NotImplementedError
