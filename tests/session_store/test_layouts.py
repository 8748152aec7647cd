"""Over how many shards users are spread may change: what is open stays open, is found, and ends as ever."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest
import redis

from session_store import AsyncStore, Person, Store, make_nonce, make_token
from session_store.keys import ShardKeys
from session_store.listing import Query, search
from session_store.tokens import Token
from tests.session_store.samples import wait_past

HOUR = 3_600_000
PEOPLE = [Person(str(number), f"user {number}") for number in range(40)]


@pytest.fixture
def spread(store: Store) -> Callable[[int], Store]:
    """Return what makes a store as a process has it that is started with another number of shards."""
    return lambda shards: Store(replace(store.config, redis_shards=shards))


def open_all(store: Store, people: list[Person] = PEOPLE) -> list[Token]:
    tokens = []
    for person in people:
        token = make_token(b"secret", make_nonce(), 1, store.keys.of_user(person.user_id).number)
        assert store.open(token, person, age=HOUR).status == "opened"
        tokens.append(token)
    return tokens


@pytest.fixture(params=[(1, 4), (4, 1), (2, 3), (3, 2)], ids=lambda pair: f"{pair[0]} to {pair[1]}")
def changed(request: pytest.FixtureRequest, spread: Callable[[int], Store]) -> tuple[Store, list[Token]]:
    """A store after a change of the number, and what was opened before it."""
    before, after = request.param
    tokens = open_all(spread(before))
    return spread(after), tokens


def test_sessions_stay_valid(changed: tuple[Store, list[Token]]) -> None:
    store, tokens = changed
    assert all(store.read(token) for token in tokens)
    assert all(check and check.session for check in store.check(tokens))
    assert all(store.renew(token) for token in tokens)


def test_they_are_counted_listed_and_found(changed: tuple[Store, list[Token]]) -> None:
    store, tokens = changed
    assert store.count() == len(tokens)
    assert {session.ref.sid for session in store.sessions(page=7)} == {token.sid for token in tokens}
    found, after = [], None
    while True:
        page = store.do(search(store.keys, Query(), after=after, limit=7))
        found += [session.ref.sid for session in page.sessions]
        assert len(page.sessions) <= 7
        after = page.after
        if after is None:
            break
    assert sorted(found) == sorted(token.sid for token in tokens)
    for person, token in zip(PEOPLE, tokens, strict=True):
        assert [session.ref.sid for session in store.sessions_of(person.user_id)] == [token.sid]


def test_they_end_with_all_of_their_user_s(changed: tuple[Store, list[Token]]) -> None:
    store, tokens = changed
    newer = open_all(store)
    assert store.update_user(Person("0", "sally")) == 2
    for person, old, new in zip(PEOPLE, tokens, newer, strict=True):
        ended = store.end_user(person.user_id, "revoked")
        assert {end.ref.sid for end in ended} == {old.sid, new.sid}
        assert store.sessions_of(person.user_id) == []
    assert store.count() == 0


def test_so_they_do_in_an_event_loop(changed: tuple[Store, list[Token]]) -> None:
    store, _ = changed

    async def end_all() -> int:
        site = AsyncStore(store.config)
        try:
            return sum([len(await site.end_user(person.user_id, "revoked")) for person in PEOPLE])
        finally:
            await site.close()

    assert asyncio.run(end_all()) == len(PEOPLE)


@pytest.fixture
def moved(request: pytest.FixtureRequest, spread: Callable[[int], Store]) -> tuple[Store, Store, Person]:
    """A store as it was before the number changed, one as it is after that, and a user whose shard is another now."""
    before, after = spread(2), spread(3)
    people = (person for person in PEOPLE if before.keys.of_user(person.user_id).number == 1)
    return before, after, next(person for person in people if after.keys.of_user(person.user_id).number == 2)


def test_of_too_many_the_oldest_ends_wherever_it_is(moved: tuple[Store, Store, Person]) -> None:
    before, after, sally = moved
    first, second = (open_one(before, sally, most=3) for _ in range(2))
    third, fourth = (open_one(after, sally, most=3) for _ in range(2))
    assert ends_of(after) == {first.sid: "limit"}
    assert {session.ref.sid for session in after.sessions_of(sally.user_id)} == {second.sid, third.sid, fourth.sid}
    fifth = open_one(after, sally, most=1)
    assert {session.ref.sid for session in after.sessions_of(sally.user_id)} == {fifth.sid}
    assert set(ends_of(after).values()) == {"limit"}


def test_so_it_is_in_an_event_loop(moved: tuple[Store, Store, Person]) -> None:
    before, after, sally = moved
    first = open_one(before, sally)

    async def log_in() -> None:
        site = AsyncStore(after.config)
        try:
            token = make_token(b"secret", make_nonce(), 1, site.keys.of_user(sally.user_id).number)
            assert (await site.open(token, sally, age=HOUR, most=1)).status == "opened"
        finally:
            await site.close()

    asyncio.run(log_in())
    assert ends_of(before) == {first.sid: "limit"}


def test_a_session_elsewhere_whose_key_is_gone_does_not_count_and_is_lost(
    moved: tuple[Store, Store, Person], raw: redis.Redis
) -> None:
    before, after, sally = moved
    first, second = open_one(before, sally), open_one(before, sally)
    raw.delete(before.keys.shards[1].session(second.sid))
    open_one(after, sally, most=2)
    assert ends_of(before) == {second.sid: "lost"}
    assert before.read(first)


def test_who_has_none_elsewhere_is_looked_for_there_in_the_same_round_trip(
    moved: tuple[Store, Store, Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    before, after, sally = moved
    open_one(before, next(person for person in PEOPLE if person != sally))
    open_one(after, sally, most=2)
    trips: list[int] = []
    run_all = Store.run_all
    monkeypatch.setattr(Store, "run_all", lambda self, requests: trips.append(len(requests)) or run_all(self, requests))
    open_one(after, sally, most=2)
    assert trips == [3], "the opening, and a look into the two other shards that the user may have sessions in"


def test_what_is_elsewhere_out_of_reach_holds_up_nobody(moved: tuple[Store, Store, Person], raw: redis.Redis) -> None:
    before, after, sally = moved
    raw.set(before.keys.shards[1].users(sally.user_id), "of another kind")
    open_one(after, sally, most=1)


def open_one(store: Store, person: Person, most: int | None = None) -> Token:
    token = make_token(b"secret", make_nonce(), 1, store.keys.of_user(person.user_id).number)
    assert store.open(token, person, age=HOUR, most=most).status == "opened"
    wait_past(store, store.read(token).record.created)
    return token


def ends_of(store: Store) -> dict[str, str]:
    """Return the ends in all streams: sid → reason."""
    found = (store.redis.xrange(ShardKeys("sso", number).audit) for number in range(4))
    fields = (fields for entries in found for _, fields in entries if fields[b"action"] == b"end")
    return {entry[b"sid"].decode(): entry[b"reason"].decode() for entry in fields}


def test_who_opens_sessions_says_so_once_a_minute(
    store: Store, raw: redis.Redis, spread: Callable[[int], Store]
) -> None:
    site = spread(4)
    open_all(site, PEOPLE[:1])
    assert raw.zscore(site.keys.shards[0].layouts, "4") == pytest.approx(raw.time()[0] * 1000, abs=20_000)
    raw.delete(site.keys.shards[0].layouts)
    open_all(site, PEOPLE[:1])
    assert not raw.exists(site.keys.shards[0].layouts)
    site.keys._note_at = 0
    open_all(site, PEOPLE[:1])
    assert raw.exists(site.keys.shards[0].layouts)


def test_what_could_not_be_said_is_said_at_the_next_opening(
    store: Store, raw: redis.Redis, spread: Callable[[int], Store]
) -> None:
    site = spread(4)
    raw.set(site.keys.shards[0].layouts, "of another kind")
    open_all(site, PEOPLE[:1])
    raw.delete(site.keys.shards[0].layouts)
    open_all(site, PEOPLE[:1])
    assert raw.zrange(site.keys.shards[0].layouts, 0, -1) == [b"4"]


def test_one_shard_alone_is_never_noted(store: Store, raw: redis.Redis) -> None:
    open_all(store, PEOPLE[:1])
    assert not raw.exists(store.keys.shards[0].layouts)


def test_what_is_noted_by_hand_and_no_number_of_shards_is_passed_over(store: Store, raw: redis.Redis) -> None:
    raw.zadd(store.keys.shards[0].layouts, dict.fromkeys([3, 0, -1, 10_001, 99999999999, "many"], 1))
    store.learn()
    assert len(store.keys.shards) == 3
