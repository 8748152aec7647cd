from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_hooks.whos_online.bots import get_ready, is_bot
from django_hooks.whos_online.guests import ids_of, place_of, word_of

from .conftest import FIREFOX, GOOGLEBOT


def test_a_household_of_ipv6_is_one_visitor_and_an_address_of_ipv4_is():
    assert place_of("2001:db8:1:2:3::4") == place_of("2001:db8:1:2::9") == "2001:db8:1:2::"
    assert place_of("192.0.2.1") == "192.0.2.1"
    assert place_of("") == ""


@given(st.ip_addresses().map(str))
def test_an_id_changes_every_day_and_says_nothing(address):
    ids = ids_of(place_of(address))
    today = int(time.time()) // 86_400
    assert list(ids) == [today - 1, today, today + 1]
    assert len({*ids.values(), word_of(place_of(address))}) == 4
    assert all(len(each) == 12 for each in ids.values())


def test_an_id_depends_on_the_sites_secret(settings):
    before = ids_of("192.0.2.1"), word_of("192.0.2.1")
    settings.SECRET_KEY = "another"
    after = ids_of("192.0.2.1"), word_of("192.0.2.1")
    assert not set(before[0].values()) & set(after[0].values())
    assert before[1] != after[1]


@pytest.mark.parametrize(
    "agent", [GOOGLEBOT, "curl/8.5.0", "Mozilla/5.0 (compatible; bingbot/2.0)", "python-requests/2"]
)
def test_what_calls_itself_a_bot_is_one(agent):
    assert is_bot(agent)


@pytest.mark.parametrize("agent", [FIREFOX, "", "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Mobile/15E148"])
def test_what_calls_itself_a_browser_is_none(agent):
    assert not is_bot(agent)


@pytest.mark.parametrize("agent", ["a" * 99_999, "(" * 9_999, "Mozilla/5.0 " * 9_999, "; " * 9_999, "\x00\xff" * 9_999])
def test_a_user_agent_made_to_take_long_does_not(agent):
    get_ready()
    start = time.process_time()
    is_bot(agent)
    assert time.process_time() - start < 0.1
