"""A steady stream of log-ins, log-outs and expiries, and a ledger of what Redis has acknowledged."""

from __future__ import annotations

import random
import threading
import time
from dataclasses import dataclass, field

from session_store import Config, Person, Ref, Store, StoreUnavailable, make_nonce, make_token

#: Milliseconds that sessions live: short, so that they end in the middle of whatever happens.
AGES = (30, 2500)

#: Log-ins a second.
RATE = 150


@dataclass
class Ledger:
    """What Redis acknowledged, and what may have happened without its saying so.

    Attributes:
        opened: sids that Redis said were opened, and the reasons that their ends may have.
        doubtful: sids whose opening failed: they may exist.
    """

    opened: dict[str, set[str]] = field(default_factory=dict)
    doubtful: set[str] = field(default_factory=set)
    refused: int = 0


class Traffic(threading.Thread):
    """Opens sessions, ends some of them, and lets the others run out."""

    def __init__(self, config: Config, rng: random.Random) -> None:
        super().__init__(name="traffic", daemon=True)
        self.ledger = Ledger()
        self._store = Store(config, pause=0)
        self._rng = rng
        self._stop_asked = threading.Event()
        self._open: list[Ref] = []

    def run(self) -> None:
        """Keep on until stopped."""
        while not self._stop_asked.is_set():
            try:
                self._log_in()
                if self._open and self._rng.random() < 0.4:
                    self._log_out(self._open.pop(self._rng.randrange(len(self._open))))
            except StoreUnavailable:
                self.ledger.refused += 1
            self._stop_asked.wait(self._rng.expovariate(RATE))

    def stop(self) -> Ledger:
        """Stop, and return the ledger."""
        self._stop_asked.set()
        self.join(30)
        return self.ledger

    def wait_for(self, count: int, seconds: float = 60) -> None:
        """Wait until so many more sessions have been opened."""
        wanted, end = len(self.ledger.opened) + count, time.monotonic() + seconds
        while len(self.ledger.opened) < wanted:
            if time.monotonic() > end:
                raise AssertionError(f"only {len(self.ledger.opened)} of {wanted} sessions were opened")
            self._stop_asked.wait(0.01)

    def _log_in(self) -> None:
        token = make_token(b"the site's", make_nonce(), 0, 0)
        user = str(self._rng.randrange(40))
        self.ledger.doubtful.add(token.sid)
        opening = self._store.open(token, Person(user, f"user {user}"), age=self._rng.randint(*AGES))
        self.ledger.doubtful.discard(token.sid)
        if opening.lives:
            self.ledger.opened[token.sid] = {"expired"}
            self._open = [*self._open[-50:], Ref(0, token.sid, user)]

    def _log_out(self, ref: Ref) -> None:
        # Until Redis says which it was, it may be either.
        self.ledger.opened[ref.sid] |= {"logout"}
        ended = self._store.end(ref, "logout")
        if ended:
            self.ledger.opened[ref.sid] = {ended}
