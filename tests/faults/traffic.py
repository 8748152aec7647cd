"""A steady stream of log-ins, renewals, log-outs and expiries, and a ledger of what Redis has acknowledged."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable

from session_store import Config, Person, Ref, Store, StoreUnavailable, make_nonce, make_token
from session_store.tokens import Token

from .ledger import Ledger, Life

#: Milliseconds that sessions live: short, so that they end in the middle of whatever happens.
AGES = (30, 2500)

#: Milliseconds without activity after which some of them end.
IDLES = (100, 1200)

#: Log-ins a second.
RATE = 150

#: Sessions that are remembered, to be renewed and ended.
MEMORY = 50


class Traffic(threading.Thread):
    """Opens sessions, renews some of them, ends some, and lets the others run out.

    Args:
        config: where.
        rng: decides what happens when.
        rate: log-ins a second.
        longest: ms that sessions live at most.
        pause: seconds for which what did not answer is left alone.
    """

    def __init__(
        self, config: Config, rng: random.Random, *, rate: float = RATE, pause: float = 0, longest: int = AGES[1]
    ) -> None:
        super().__init__(name="traffic", daemon=True)
        self.ledger = Ledger()
        self._store = Store(config, pause=pause)
        self._rng = rng
        self._rate = rate
        self._ages = (AGES[0], longest)
        self._stop_asked = threading.Event()
        self._open: list[tuple[Token, str]] = []
        self._renewable: list[Token] = []

    def run(self) -> None:
        """Keep on until stopped."""
        while not self._stop_asked.is_set():
            for act, chance in ((self._log_in, 1.0), (self._log_out, 0.4), (self._renew, 0.3)):
                if self._rng.random() < chance:
                    self._try(act)
            self._stop_asked.wait(self._rng.expovariate(self._rate))

    def stop(self) -> Ledger:
        """Stop, and return the ledger."""
        self._stop_asked.set()
        if self.is_alive():
            self.join(30)
        return self.ledger

    def wait_for(self, count: int, seconds: float = 60) -> None:
        """Wait until so many more sessions have been opened."""
        wanted, end = len(self.ledger.opened) + count, time.monotonic() + seconds
        while len(self.ledger.opened) < wanted:
            if time.monotonic() > end:
                raise AssertionError(f"only {len(self.ledger.opened)} of {wanted} sessions were opened")
            self._stop_asked.wait(0.01)

    def _try(self, act: Callable[[], None]) -> None:
        try:
            act()
        except StoreUnavailable:
            self.ledger.refused += 1

    def _log_in(self) -> None:
        user = str(self._rng.randrange(40))
        shard = self._store.keys.of_user(user).number
        token = make_token(b"the site's", make_nonce(), 0, shard)
        age, idle = self._rng.randint(*self._ages), self._rng.randint(*IDLES) if self._rng.random() < 0.3 else None
        self.ledger.doubtful[token.sid] = shard
        opening = self._store.open(token, Person(user, f"user {user}"), age=age, idle=idle)
        if opening.lives:
            reasons = {"expired", "idle"} if idle else {"expired"}
            deadline = min(opening.expires, opening.now + idle) if idle else opening.expires
            self.ledger.opened[token.sid] = Life(shard, opening.now, reasons, opening.expires, deadline)
            self._open = [*self._open[-MEMORY:], (token, user)]
            self._renewable = [*self._renewable[-MEMORY:], token] if idle else self._renewable
        del self.ledger.doubtful[token.sid]

    def _log_out(self) -> None:
        if not self._open:
            return
        token, user = self._open.pop(self._rng.randrange(len(self._open)))
        life = self.ledger.opened[token.sid]
        # Until Redis says which it was, it may be either.
        life.reasons.add("logout")
        ended = self._store.end(Ref(token.shard, token.sid, user), "logout")
        if ended:
            life.reasons, life.over, life.changed = {ended}, True, round(time.time() * 1000)

    def _renew(self) -> None:
        if not self._renewable:
            return
        token = self._rng.choice(self._renewable)
        check = self._store.check([token])[0]
        if check and check.session:
            life = self.ledger.opened[token.sid]
            life.deadline, life.changed = check.session.deadline, check.now
