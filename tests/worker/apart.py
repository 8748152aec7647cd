"""``python -m tests.worker.apart run``: the worker as on a cluster, where each shard is a lane, but on one server."""

from __future__ import annotations

import sys

from session_store import Store
from session_store.keys import ShardKeys
from worker.cli import main


def lanes_apart(store: Store) -> tuple[tuple[ShardKeys, ...], ...]:
    """Return each shard as a lane of its own."""
    return tuple((keys,) for keys in store.keys.shards)


class ApartStore(Store):
    """A store whose shards are lanes of their own."""

    lanes = property(lanes_apart)  # type: ignore[assignment] # the same property, with another answer


if __name__ == "__main__":
    Store.lanes = property(lanes_apart)  # type: ignore[assignment,method-assign] # as above
    sys.exit(main())
