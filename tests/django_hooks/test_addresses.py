from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_hooks.addresses import keep_address
from session_store import ConfigurationError

EXAMPLES = {
    "192.0.2.77": ("192.0.2.77", "192.0.2.0"),
    " 192.0.2.77 ": ("192.0.2.77", "192.0.2.0"),
    "2001:DB8:1:2:3::4": ("2001:db8:1:2:3::4", "2001:db8:1::"),
    "::ffff:192.0.2.77": ("192.0.2.77", "192.0.2.0"),
    "fe80::1%eth0": ("fe80::1", "fe80::"),
    "": ("", ""),
    "unix:": ("", ""),
    "192.0.2.77:8080": ("", ""),
    "192.0.2.256": ("", ""),
}


@pytest.mark.parametrize("text", EXAMPLES)
def test_an_address_is_kept_whole_in_part_or_not_at_all(settings, text):
    full, truncated = EXAMPLES[text]
    assert keep_address(text) == full
    settings.WIKI_AUDIT_IP = "full"
    assert keep_address(text) == full
    settings.WIKI_AUDIT_IP = "truncated"
    assert keep_address(text) == truncated
    settings.WIKI_AUDIT_IP = "none"
    assert not keep_address(text)


@pytest.mark.parametrize("value", ["some", "", "FULL", False, 24])
def test_another_word_is_refused_and_named(settings, value):
    settings.WIKI_AUDIT_IP = value
    with pytest.raises(ConfigurationError, match="WIKI_AUDIT_IP"):
        keep_address("192.0.2.77")


@given(st.text() | st.ip_addresses().map(str))
def test_whatever_comes_what_is_kept_is_an_address_or_nothing(text):
    kept = keep_address(text)
    assert kept == (str(ip_address(kept)) if kept else "")


@given(st.ip_addresses(v=4), st.integers(0, 255))
def test_truncated_neighbours_can_not_be_told_apart(address, last):
    from django.test import override_settings

    neighbour = ip_network((address, 24), strict=False)[last]
    with override_settings(WIKI_AUDIT_IP="truncated"):
        assert keep_address(str(address)) == keep_address(str(neighbour))
