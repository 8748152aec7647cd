"""The store against a model of it in plain Python, through any sequence of its verbs and of mishaps in Redis.

Time is Redis' own. Sessions last an hour, which no run takes, or some milliseconds that the machine waits for at once,
so that at every step the model knows what lives.
"""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from session_store import Config, Person, Reason, Store, Token
from session_store.entries import events_of
from session_store.reconcile import reconcile
from session_store.records import parse_record
from tests.servers import PATIENCE, RedisServer
from tests.session_store.samples import HARRY, HOUR, MINUTE, SALLY, new_token, ref_of, server_time, wait_past

people = st.sampled_from([SALLY, HARRY])
idle_timeouts = st.sampled_from([None, HOUR // 2])

#: What somebody may ask for; a session that is over already ends for that instead.
asked_for = st.sampled_from([reason for reason in Reason if reason not in {Reason.EXPIRED, Reason.IDLE}])

#: What a listener may have heard of a key, or guesses.
heard = st.sampled_from(["expired", "evicted", "deleted", "lost"])


@dataclass
class Model:
    """What is known of one session.

    Attributes:
        alive: it can be read.
        key: its key is there; also where it is over and its TTL was removed or lengthened by hand.
        over: the reason that its own time gave it, where that has passed.
        ended: the reason it ended for, once that was noticed.
    """

    token: Token
    person: Person
    idle: int | None
    expires: int
    alive: bool = True
    key: bool = True
    over: str | None = None
    ended: str | None = None

    def end(self, asked: str, *, only_gone: bool) -> str | None:
        """Note an attempt to end it; return the reason where this one does."""
        if self.ended or (only_gone and self.alive):
            return None
        self.ended = self.over or ("idle" if only_gone and asked == "expired" and self.idle else asked)
        self.alive = self.key = False
        return self.ended


class StoreMachine(RuleBasedStateMachine):
    """Drives a store and the model side by side."""

    sessions = Bundle("sessions")

    def __init__(self, server: RedisServer) -> None:
        super().__init__()
        self.store = Store(Config(redis_url=server.url, redis_timeout=PATIENCE))
        self.raw = server.client()
        self.raw.flushall()
        self.keys = self.store.keys.shards[0]
        self.all: dict[str, Model] = {}

    def teardown(self) -> None:
        """End all that still lives: nothing but the history is left."""
        try:
            self.reconcile(page=500)
            for model in self.all.values():
                self.end_it(model, "revoked", known=True)
            self.history_is_right()
            assert set(self.raw.keys()) <= {self.keys.audit.encode(), self.keys.ended.encode()}
        finally:
            self.raw.close()

    # What people do.

    @rule(target=sessions, person=people, idle=idle_timeouts)
    def open(self, person, idle):
        return self.opened(person, HOUR, idle)

    @rule(target=sessions, person=people, old=sessions, older=sessions, known=st.booleans())
    def open_replacing(self, person, old, older, known):
        token = new_token()
        replaces = [ref_of(model.token, model.person if known else None) for model in (old, older)]
        opening = self.store.open(token, person, age=HOUR, replaces=replaces)
        assert opening.status == "opened"
        for model in (old, older):
            model.end("replaced", only_gone=False)
        return self.noted(token, person, None, opening.expires)

    @rule(target=sessions, person=people, old=sessions)
    def open_in_place_of_a_lost_one(self, person, old):
        token = new_token()
        opening = self.store.open(token, person, age=HOUR, lost=ref_of(old.token, old.person))
        assert opening.status == "opened"
        old.end("lost", only_gone=True)
        return self.noted(token, person, None, opening.expires)

    @rule(model=sessions)
    def open_again(self, model):
        status = self.store.open(model.token, model.person, expires_at=model.expires, idle=model.idle).status
        if model.alive:
            assert status == "alive"
        elif model.ended == "expired" and model.over:
            assert status == "over"
        else:
            assert status == "ended"

    @rule(model=sessions, age=st.sampled_from([None, HOUR, 2 * HOUR]))
    def renew(self, model, age):
        left = self.store.renew(model.token, age=age)
        assert (left is not None) == model.alive
        self.renewed(model)

    @rule(models=st.lists(sessions, min_size=1, max_size=3), age=st.sampled_from([None, HOUR // 3]))
    def check(self, models, age):
        checks = self.store.check([model.token for model in models], age=age)
        for model, check in zip(models, checks, strict=True):
            assert (check.session is not None) == model.alive
            # An expiry at its own time is not kept in mind: the deadline says it.
            assert check.ended == (None if model.ended == model.over == "expired" else model.ended)
            self.renewed(model)

    @rule(model=sessions, reason=asked_for, known=st.booleans())
    def end(self, model, reason, known):
        self.end_it(model, reason, known=known)

    @rule(person=people, reason=asked_for, but=st.none() | sessions)
    def end_user(self, person, reason, but):
        ended = self.store.end_user(person.user_id, reason, but=but.token if but else None)
        theirs = [model for model in self.all.values() if model.person == person and model is not but]
        assert {end.ref.sid: end.reason for end in ended} == self.ends_of(theirs, reason, only_gone=False)

    # What the worker does.

    @rule(model=sessions, reason=heard)
    def hear(self, model, reason):
        ended = self.store.end_all([ref_of(model.token)], reason, only_gone=True)
        assert {end.ref.sid: end.reason for end in ended} == self.ends_of([model], reason, only_gone=True)

    @rule(limit=st.sampled_from([1, 500]))
    def end_due(self, limit):
        _, ended = self.store.end_due(self.keys, limit=limit)
        due = [model for model in self.all.values() if model.over and not model.ended]
        assert len(ended) == min(limit, len(due))
        for end in ended:
            assert end.reason == self.all[end.ref.sid].end("lost", only_gone=True)

    @rule(page=st.sampled_from([1, 500]))
    def reconcile(self, page):
        ended = [end for each in reconcile(self.store, self.keys, page=page) for end in each.ends]
        assert {end.ref.sid: end.reason for end in ended} == self.ends_of(self.all.values(), "lost", only_gone=True)
        for model in self.all.values():
            if model.alive:
                deadline = self.raw.pexpiretime(self.keys.session(model.token.sid))
                assert 0 < deadline <= self.store.read(model.token).record.expires
                assert abs(self.raw.zscore(self.keys.sessions, model.token.sid) - deadline) <= 2

    # What time does.

    @rule(target=sessions, person=people, life=st.sampled_from([(3, None, "expired"), (HOUR, 3, "idle")]))
    def open_and_see_its_time_pass(self, person, life):
        age, idle, reason = life
        model = self.opened(person, age, idle)
        wait_past(self.store, model.expires - age + min(age, idle or age))
        model.alive, model.key, model.over = False, False, reason
        return model

    @rule(model=sessions, by_hand=st.sampled_from(["nothing", "persist", "longer"]))
    def see_the_site_s_session_pass(self, model, by_hand):
        if not model.alive:
            return
        self.store.renew(model.token, age=30)
        record = self.raw.hget(self.keys.records, model.token.sid)  # it may be over before it could be read
        model.expires = parse_record(record, "").expires
        key = self.keys.session(model.token.sid)
        kept = {"nothing": lambda: False, "persist": lambda: self.raw.persist(key),
                "longer": lambda: self.raw.pexpire(key, HOUR)}[by_hand]()  # fmt: skip
        wait_past(self.store, model.expires)
        model.alive, model.key, model.over = False, bool(kept), "expired"

    # What befalls Redis.

    @rule(model=sessions)
    def lose_the_key(self, model):
        assert self.raw.delete(self.keys.session(model.token.sid)) == model.key
        model.alive = model.key = False

    @rule(model=sessions)
    def remove_the_ttl(self, model):
        self.raw.persist(self.keys.session(model.token.sid))

    @rule(model=sessions, ttl=st.sampled_from([MINUTE, 5 * HOUR]))
    def change_the_ttl(self, model, ttl):
        assert self.raw.pexpire(self.keys.session(model.token.sid), ttl) == model.key

    @rule(model=sessions)
    def let_redis_expire_the_key_before_its_time(self, model):
        self.raw.pexpire(self.keys.session(model.token.sid), 1)
        wait_past(self.store, server_time(self.store) + 1)
        model.alive = model.key = False

    @rule()
    def forget_the_scripts(self):
        self.raw.script_flush()

    # What always holds.

    @invariant()
    def what_lives_and_nothing_else_can_be_read(self):
        for sid, model in self.all.items():
            session = self.store.read(model.token)
            assert (session is not None) == model.alive
            if session:
                assert (session.ref.sid, session.record.person) == (sid, model.person)

    @invariant()
    def redis_holds_what_has_not_ended_and_nothing_else(self):
        left = {sid.encode() for sid, model in self.all.items() if not model.ended}
        assert set(self.raw.zrange(self.keys.sessions, 0, -1)) == left
        assert set(self.raw.hkeys(self.keys.records)) == left
        there = {self.keys.session(sid).encode() for sid, model in self.all.items() if model.key}
        assert set(self.raw.keys(self.keys.session_pattern)) == there
        for person in (SALLY, HARRY):
            theirs = {sid.encode() for sid, model in self.all.items() if model.person == person and not model.ended}
            assert self.raw.smembers(self.keys.users(person.user_id)) == theirs

    @invariant()
    def history_is_right(self):
        entries = self.raw.xrange(self.keys.audit)
        events = [event for position, fields in entries for event in events_of(position, fields, "")]
        told = [(event.sid, event.action, event.reason) for event in events]
        started = [(sid, "start", None) for sid in self.all]
        ended = [(sid, "end", model.ended) for sid, model in self.all.items() if model.ended]
        assert sorted(told, key=str) == sorted(started + ended, key=str)
        assert all(event.record.person == self.all[event.sid].person for event in events)

    # The model's part.

    def opened(self, person, age, idle):
        token = new_token()
        opening = self.store.open(token, person, age=age, idle=idle)
        assert opening.status == "opened"
        return self.noted(token, person, idle, opening.expires)

    def noted(self, token, person, idle, expires):
        self.all[token.sid] = Model(token, person, idle, expires)
        return self.all[token.sid]

    def renewed(self, model):
        """Look that a live session has a deadline again, the same in both places, whatever was done to it by hand."""
        if model.alive:
            session = self.store.read(model.token)
            model.expires = session.record.expires
            deadline = self.raw.pexpiretime(self.keys.session(model.token.sid))
            assert 0 < deadline <= model.expires + 2
            assert deadline - server_time(self.store) <= (model.idle or 2 * HOUR) + 2

    def end_it(self, model, reason, *, known):
        ended = self.store.end(ref_of(model.token, model.person if known else None), reason)
        assert ended == model.end(reason, only_gone=False)

    @staticmethod
    def ends_of(models, reason, *, only_gone):
        return {model.token.sid: ended for model in models if (ended := model.end(reason, only_gone=only_gone))}


def test_whatever_happens_a_session_lives_as_long_as_it_should_and_ends_once_for_the_right_reason(redis_server):
    run_state_machine_as_test(
        lambda: StoreMachine(redis_server),
        settings=settings(
            max_examples=90,
            stateful_step_count=40,
            phases=[Phase.reuse, Phase.generate, Phase.shrink],
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )
