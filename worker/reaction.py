"""What is done about ends that were heard of in one lane."""

from __future__ import annotations

import time

from session_store import Ref, Store, StoreUnavailable, verbs

from .canary import Canary
from .held import Heard, Held
from .lane import Lane
from .report import Report

#: Seconds after which what Redis has refused is tried again.
RETRY = 1.0


class Reaction:
    """Ends sessions at once; where another worker comes first, it looks later whether that one has.

    Args:
        store: the sessions.
        lane: which of them.
        canary: the lane's; while that is not answered, what was heard is kept, and nobody waits.
        report: where ends are counted.
    """

    def __init__(self, *, store: Store, lane: Lane, canary: Canary, report: Report) -> None:
        self._store = store
        self._lane = lane
        self._canary = canary
        self._report = report
        self._held = Held()
        self._failed = float("-inf")

    def hear(self, reason: str, ref: Ref) -> None:
        """Note an end."""
        # The sweeper is about to end what it has found; what Redis says of that says nothing new.
        if reason != "expired" or ref.sid not in self._lane.recent:
            self._held.add([(reason, ref)])

    def act(self) -> None:
        """End what is to be ended by now."""
        if not self._held or not self._may_ask():
            return
        stands_by = self._lane.rank.stands_by
        ends = self._held.take_old() if stands_by else self._held.take_all()
        try:
            self._end(self._left(ends) if stands_by else ends)
        except StoreUnavailable:
            # Who sweeps and reconciles says so; nobody else is to wait for it here.
            self._held.add(ends)
            self._failed = time.monotonic()
            self._canary.hurry()

    def _may_ask(self) -> bool:
        answered = self._canary.answered
        return answered is not None and (answered > self._failed or time.monotonic() > self._failed + RETRY)

    def _left(self, ends: list[Heard]) -> list[Heard]:
        """Return those that nobody has ended; whoever does removes the record."""
        left: list[Heard] = []
        for first in range(0, len(ends), verbs.BATCH):
            batch = ends[first : first + verbs.BATCH]
            for keys in self._lane.shards:
                here = [(reason, ref) for reason, ref in batch if ref.shard == keys.number]
                records = self._store.run(verbs.records_of(keys, [ref.sid for _, ref in here])) if here else []
                left += [end for end, record in zip(here, records, strict=True) if record is not None]
        return left

    def _end(self, ends: list[Heard]) -> None:
        by_reason: dict[str, list[Ref]] = {}
        for reason, ref in ends:
            by_reason.setdefault(reason, []).append(ref)
        for reason, refs in by_reason.items():
            self._report.ended(self._store.end_all(refs, reason, only_gone=True))
