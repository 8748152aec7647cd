"""How sessions stand: figures from Redis, and the last day from the audit table."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db.models import Count
from django.db.models.functions import TruncHour
from django.utils import timezone

from session_store import Reason, Store
from session_store.backlog import TOO_MANY
from session_store.status import Status, WorkerStatus, read_status

from ..models import AuditEvent, AuditFollower
from .chart import ENDS, LOGINS, Chart, Hour, draw, group_of

#: Hours that are looked back on, and ends whose lateness is looked at, at most.
HOURS, LOOKED = 24, 1000

#: Seconds after which a worker that says nothing is taken for gone: it speaks every five, or every fifteen.
SILENT = 30.0

#: Ends that come by a deadline: what they are late is late.
PUNCTUAL = (Reason.EXPIRED, Reason.IDLE)


@dataclass(frozen=True)
class Lateness:
    """How long after their deadlines the last ends were in the table, in seconds."""

    count: int
    half: float
    nearly_all: float


@dataclass(frozen=True)
class Figures:
    """What the page shows.

    Attributes:
        recorded: somebody fills the audit table.
        logins: in the last day.
        ends: in the last day.
        lateness: None where nothing has ended by a deadline.
    """

    status: Status
    recorded: bool
    logins: int
    ends: int
    hours: list[Hour]
    chart: Chart
    lateness: Lateness | None

    @property
    def backlog(self) -> int:
        """How far the slowest reader is behind, in entries."""
        return max((reader.backlog for reader in self.status.readers), default=0)

    @property
    def piles_up(self) -> bool:
        """Whether somebody does not store what they should."""
        return self.backlog >= TOO_MANY

    @property
    def workers(self) -> list[tuple[WorkerStatus, bool]]:
        """The workers, and of each whether it still speaks."""
        return [(worker, worker.seen < SILENT) for worker in self.status.workers]

    @property
    def guarded(self) -> bool:
        """Whether a worker looks to deadlines."""
        return any(speaks for _worker, speaks in self.workers)


def read_figures(store: Store) -> Figures:
    """Ask Redis and the database.

    Raises:
        StoreUnavailable: Redis did not answer.
    """
    status = read_status(store)
    hours = _hours()
    return Figures(
        status=status,
        recorded=AuditFollower.objects.exists(),
        logins=sum(hour.counts[LOGINS] for hour in hours),
        ends=sum(hour.counts[name] for hour in hours for name in ENDS),
        hours=hours,
        chart=draw(hours),
        lateness=_lateness(),
    )


def _hours() -> list[Hour]:
    zone = UTC if timezone.is_aware(timezone.now()) else None
    now = timezone.now().replace(minute=0, second=0, microsecond=0)
    beginnings = [now - timedelta(hours=HOURS - 1 - number) for number in range(HOURS)]
    counted = (
        AuditEvent.objects.filter(at__gte=beginnings[0])
        .annotate(hour=TruncHour("at", tzinfo=zone))
        .order_by()
        .values_list("hour", "action", "reason")
        .annotate(number=Count("pk"))
    )
    counts: dict[datetime, Counter[str]] = {at: Counter() for at in beginnings}
    for at, action, reason, number in counted:
        if at in counts:
            counts[at][LOGINS if action == AuditEvent.Action.START else group_of(reason)] += number
    return [Hour(timezone.localtime(at) if zone else at, counts[at]) for at in beginnings]


def _lateness() -> Lateness | None:
    since = timezone.now() - timedelta(hours=HOURS)
    ends = AuditEvent.objects.filter(reason__in=PUNCTUAL, at__gte=since).order_by("-at").values_list("at", "stored_at")
    late = sorted(max(0.0, (stored - at).total_seconds()) for at, stored in ends[:LOOKED])
    if not late:
        return None
    return Lateness(len(late), late[len(late) // 2], late[min(len(late) - 1, len(late) * 99 // 100)])
