"""redis-py's Sentinels, threaded and for event loops; one that is in the middle of a failover is not believed.

Until all replicas follow the new primary, the Sentinel that leads the failover goes on calling the old one by the
service's name. Where that answers again, as after a cut in the network, redis-py would take it; it accepts writes for
a while, and loses them when it learns that it was replaced.
"""

from __future__ import annotations

from typing import Any

import redis.asyncio.sentinel
import redis.sentinel

#: The flag of a service whose failover this Sentinel leads. The others name the new primary as soon as there is one.
FAILING_OVER = "failover_in_progress"


class Sentinel(redis.sentinel.Sentinel):
    """Finds the primary for threads."""

    def check_master_state(self, state: dict[str, Any], service_name: str) -> bool:
        """Whether a Sentinel's word on the primary counts."""
        return FAILING_OVER not in state["flags"] and bool(
            redis.sentinel.Sentinel.check_master_state(self, state, service_name)
        )


class AsyncSentinel(redis.asyncio.sentinel.Sentinel):
    """Finds the primary for an event loop."""

    def check_master_state(self, state: dict[str, Any], service_name: str) -> bool:
        """Whether a Sentinel's word on the primary counts."""
        return FAILING_OVER not in state["flags"] and bool(super().check_master_state(state, service_name))
