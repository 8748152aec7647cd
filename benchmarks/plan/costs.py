"""What one of each thing costs, as measured."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Self

#: Where `make bench` leaves them.
MEASURED = Path("docs/performance.json")


@dataclass(frozen=True)
class Costs:
    """Of a log-in, a check, a check that writes, and an end; and of a session that lives.

    Attributes:
        redis_log_in: µs of the primary's processor, the worker's reading included, and so on.
        redis_end: the same from the deadline until it is acknowledged, where sessions end one by one;
        redis_end_together: and where very many are due.
        worker_start: µs of the worker's processor, for a log-in that it writes down.
        worker_end: the same, for an end;
        worker_end_together: and where very many are due.
        worker_shard: µs in each second, for a shard of a cluster in which nothing happens.
        net_log_in: bytes between the primary and its clients, both ways, and so on.
        replica_log_in: bytes from the primary to each replica, and so on.
        line_start: bytes in the audit log.
        line_end: the same.
        memory: bytes in Redis for a session that lives.
        copied: the share of Redis' memory that was there twice while it rewrote its append-only file under load.
    """

    redis_log_in: float
    redis_check: float
    redis_write: float
    redis_end: float
    redis_end_together: float
    worker_start: float
    worker_end: float
    worker_end_together: float
    worker_shard: float
    net_log_in: float
    net_check: float
    net_write: float
    net_end: float
    replica_log_in: float
    replica_write: float
    replica_end: float
    line_start: float
    line_end: float
    memory: float
    copied: float

    @classmethod
    def of(cls, figures: Mapping[str, float]) -> Self:
        """Return what was measured.

        Raises:
            ValueError: something is missing.
        """
        missing = [field.name for field in fields(cls) if field.name not in figures]
        if missing:
            raise ValueError(f"not measured: {', '.join(missing)}; make bench does")
        return cls(**{field.name: float(figures[field.name]) for field in fields(cls)})

    @classmethod
    def read(cls, path: Path = MEASURED) -> Self:
        """Return what the last `make bench` has measured.

        Raises:
            ValueError: something is missing.
        """
        return cls.of(json.loads(path.read_text(encoding="utf-8")).get("costs", {}))
