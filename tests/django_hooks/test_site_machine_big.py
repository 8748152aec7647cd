"""Whatever happens in whatever order, after each response the cookie names a session of exactly the user, or none."""

from __future__ import annotations

import pytest
from django.contrib.auth import SESSION_KEY, get_user_model
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from session_store import Store

from .conftest import NAME, AsyncBrowser, Browser, ends_of

pytestmark = pytest.mark.django_db(transaction=True)

WHICH = st.integers(0, 1)
USERS = st.sampled_from(["sally", "harry"])
PAGES = st.sampled_from(["/who/", "/untouched/", "/save/", "/stream/", "/become/harry/", "/remember/", "/flush/"])


class Site(RuleBasedStateMachine):
    """Two browsers, two users, and somebody who breaks things."""

    def __init__(self, store: Store, kind: type[Browser]) -> None:
        super().__init__()
        self.store = store
        store.redis.flushall()
        self.users = get_user_model().objects
        self.users.update(is_active=True)
        self.browsers = [kind(store), kind(store)]
        self.asked: Browser | None = None
        self.old: list[str] = [""]

    @rule(which=WHICH, name=USERS)
    def log_in(self, which, name):
        if self.users.get(username=name).is_active:
            self.ask(which, lambda browser: browser.log_in(name))

    @rule(which=WHICH)
    def log_out(self, which):
        self.ask(which, lambda browser: browser.get("/leave/"))

    @rule(which=WHICH, page=PAGES)
    def look(self, which, page):
        self.ask(which, lambda browser: browser.get(page))

    @rule(which=WHICH)
    def fail(self, which):
        self.browsers[which].get("/enter-and-fail/")
        session = self.browsers[which].wiki_session
        assert session is None or session.record.person.name == "sally"

    @rule(which=WHICH)
    def lose_the_cookie(self, which):
        self.browsers[which].cookies.pop(NAME, None)

    @rule(which=WHICH, data=st.data())
    def get_an_old_response_late(self, which, data):
        """Or one that was meant for another browser, or one that was made up."""
        self.browsers[which].cookies[NAME] = data.draw(st.sampled_from([*self.old, "0." + "x" * 43, "nonsense"]))

    @rule()
    def empty_redis(self):
        self.store.redis.flushall()

    @rule(which=WHICH)
    def delete_a_key(self, which):
        if session := self.browsers[which].wiki_session:
            self.store.redis.delete(self.store.keys.shards[0].session(session.ref.sid))

    @rule(which=WHICH, reason=st.sampled_from(["revoked", "evicted", "lost"]))
    def end(self, which, reason):
        if session := self.browsers[which].wiki_session:
            self.store.end(session.ref, reason)

    @rule(which=WHICH)
    def clear_the_django_session(self, which):
        if "sessionid" in self.browsers[which].cookies:
            self.browsers[which].session.flush()

    @rule(name=USERS, active=st.booleans())
    def change_an_account(self, name, active):
        user = self.users.get(username=name)
        user.is_active = active
        user.save()
        if not active:
            assert self.store.sessions_of(str(user.pk)) == []

    @rule(name=USERS)
    def set_a_password(self, name):
        user = self.users.get(username=name)
        user.set_password("surf")
        user.save()
        assert self.store.sessions_of(str(user.pk)) == []

    @invariant()
    def nobody_is_in_the_wiki_as_somebody_else(self):
        browser, self.asked = self.asked, None
        if browser is None:
            return
        key = browser.session.get(SESSION_KEY) if "sessionid" in browser.cookies else None
        user = self.users.filter(pk=key, is_active=True).first() if key else None
        session = browser.wiki_session
        assert (session.ref.user_id if session else None) == (str(user.pk) if user else None)

    @invariant()
    def no_session_ends_twice(self):
        ended = [sid for sid, _ in ends_of(self.store)]
        assert len(ended) == len(set(ended))

    def ask(self, which, act):
        browser = self.browsers[which]
        act(browser)
        self.asked = browser
        if browser.wiki_cookie:
            self.old.append(browser.wiki_cookie)


@pytest.mark.parametrize("kind", [Browser, AsyncBrowser], ids=["sync", "async"])
@pytest.mark.leaves_mess  # keys are deleted by hand, and nothing reconciles
def test_the_invariant_holds_whatever_happens(site, people, kind):
    run_state_machine_as_test(
        lambda: Site(site, kind),
        settings=hypothesis_settings(
            max_examples=250, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
