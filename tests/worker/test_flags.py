from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from session_store import Config, StoreUnavailable
from tests.servers import RedisServer
from worker.flags import NEEDED, SETTING, ensure_flags, merge, missing, read_flags

#: Every flag that some Redis or Valkey knows.
KNOWN = "KEg$lshzxetdmnoc"

#: What ``A`` stands for, beyond the channels' own two; neither new nor missed keys.
ALL = "g$lshzxetd"


@pytest.mark.parametrize(
    ("now", "lacks"),
    [
        ("", "Kxe"),
        ("K", "xe"),
        ("Kx", "e"),
        ("Ex", "Ke"),
        ("KA", ""),
        ("AK", ""),
        ("A", "K"),
        ("AE", "K"),
        ("exK", ""),
        ("Egl", "Kxe"),
        ("g$lshztdnm", "Kxe"),
    ],
)
def test_what_a_value_lacks(now, lacks):
    assert missing(now) == lacks


def effect(value: str) -> set[str]:
    """What is on with a value."""
    return set(value) - {"A"} | (set(ALL) if "A" in value else set())


VALUES = st.text(alphabet=KNOWN + "A", max_size=12)


@given(VALUES)
def test_with_what_is_merged_everything_needed_is_on_and_nothing_else_is_added(now):
    assert effect(merge(now)) == effect(now) | set(NEEDED)
    assert missing(merge(now)) == ""
    assert merge(merge(now)) == merge(now)
    assert merge(now).startswith(now)


@given(VALUES)
def test_nothing_is_missing_exactly_where_everything_needed_is_on(now):
    assert (missing(now) == "") == (set(NEEDED) <= effect(now))


def test_notifications_of_every_renewal_are_never_asked_for():
    assert "g" not in effect(merge(""))


@pytest.mark.parametrize(
    "now", ["", "K", "Kxe", "Elg", "AKE", "A", "Eg$lshzxetd", pytest.param("Knm", marks=pytest.mark.redis7)]
)
def test_what_redis_is_set_to_is_kept_and_what_it_lacks_is_added(raw, redis_server, now):
    raw.config_set(SETTING, now)
    before = effect(raw.config_get(SETTING)[SETTING])
    flags = ensure_flags(raw, Config(redis_url=redis_server.url), may_set=True)
    assert flags.right
    assert flags == read_flags(raw, Config(redis_url=redis_server.url))
    assert effect(raw.config_get(SETTING)[SETTING]) == before | set(NEEDED)


def test_where_it_may_not_it_sets_nothing_and_says_what_to_set(raw, redis_server):
    raw.config_set(SETTING, "El")
    flags = ensure_flags(raw, Config(redis_url=redis_server.url), may_set=False)
    assert not flags.right
    assert flags.missing == "Kxe"
    assert raw.config_get(SETTING)[SETTING] in {"El", "lE"}
    assert set(flags.remedy.split(f"CONFIG SET {SETTING} ")[1].split(",")[0]) == set("ElKxe")


@pytest.mark.unguarded
@pytest.mark.parametrize(
    ("forbidden", "known"), [pytest.param("-config|set", True, marks=pytest.mark.redis7), ("-config", False)]
)
def test_where_redis_forbids_it_that_is_no_error(raw, redis_server, forbidden, known):
    raw.execute_command("ACL", "SETUSER", "limited", "on", ">pw", "~*", "&*", "+@all", forbidden)
    try:
        from redis import Redis

        url = redis_server.url.replace("//", "//limited:pw@")
        with Redis.from_url(url) as limited:
            flags = ensure_flags(limited, Config(redis_url=url), may_set=True)
        assert (flags.now == "") is known
        assert (flags.now is None) is not known
        assert flags.missing == "Kxe"
        assert not flags.right
    finally:
        raw.execute_command("ACL", "DELUSER", "limited")


def test_a_redis_that_is_away_is_unavailable():
    with RedisServer() as server, server.client() as client:
        server.stop()
        with pytest.raises(StoreUnavailable):
            read_flags(client, Config(redis_url=server.url))
        server.start()
