"""Being in the wiki counts as being online on the site."""

from __future__ import annotations

import logging

from flask import Response

from session_store import Person, Store, StoreUnavailable, presence
from session_store.recent import Recent
from session_store.throttle import Throttle

from .door import Doorkeeper
from .proof import Proof

#: Seconds between two reports of one user by this process: often enough for any list of who's online, and seldom
#: enough that most requests write nothing.
INTERVAL = 30.0

_log = logging.getLogger(__name__)


class Presence(Doorkeeper):
    """Tells Redis that a user was seen, after the response has been sent; nobody waits for that.

    Args:
        proof: says whose session the request's cookie names.
        store: the sessions, and who is online beside them.
    """

    def __init__(self, proof: Proof, store: Store) -> None:
        self._proof = proof
        self._store = store
        self._reported = Recent(seconds=INTERVAL)
        self._throttle = Throttle(seconds=60)

    def dismiss(self, response: Response) -> None:
        """See to a report where one is due; where the site counts nobody, Redis drops it."""
        person = self._proof.known()
        if person and self._reported.claim(person.user_id):
            response.call_on_close(lambda: self._report(person))

    def _report(self, person: Person) -> None:
        try:
            self._store.run(presence.report_member(self._store.keys.online, person.user_id, person.name, window=None))
        except StoreUnavailable as error:
            if self._throttle.allows("away"):
                _log.warning("%s; the wiki can't say who is online", error)
