from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest
from django.contrib.auth.models import User
from django.core.checks import run_checks
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from django_hooks.addresses import client_address, keep_address
from django_hooks.people import describe
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


def came_from(remote: str | None, forwarded: str | None = None) -> str:
    request = RequestFactory().get("/")
    request.META["REMOTE_ADDR"] = remote
    if remote is None:
        del request.META["REMOTE_ADDR"]
    if forwarded is not None:
        request.META["HTTP_X_FORWARDED_FOR"] = forwarded
    return client_address(request)


@pytest.mark.parametrize(
    ("remote", "address"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:DB8:0:0::7", "2001:db8::7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("fe80::7%eth0", "fe80::7"),
        ("127.0.0.1", "127.0.0.1"),
        ("", ""),
        (None, ""),
        ("nonsense", ""),
        ("192.0.2.7, 192.0.2.8", ""),
    ],
)
def test_a_client_has_the_address_at_the_other_end_in_one_spelling(remote, address):
    assert came_from(remote) == address


@given(st.text() | st.ip_addresses().map(str))
def test_by_default_what_a_client_says_of_its_address_changes_nothing(said):
    assert came_from("192.0.2.7", said) == "192.0.2.7"
    assert came_from("", said) == ""


@pytest.mark.parametrize("trusted", [1, ["10.0.0.0/8"], ["10.0.0.1"], ["::ffff:0:0/96", "10.0.0.1"]])
@pytest.mark.parametrize("forged", ["", "198.51.100.9, ", "unknown, 10.0.0.2,", "<script>,,, ", "198.51.100.9," * 50])
def test_behind_one_proxy_the_address_is_what_the_proxy_saw(settings, trusted, forged):
    settings.WIKI_TRUSTED_PROXIES = trusted
    assert came_from("10.0.0.1", f"{forged}192.0.2.7") == "192.0.2.7"
    assert came_from("10.0.0.1", f"{forged}[2001:db8::7]:4711") == "2001:db8::7"


@pytest.mark.parametrize("trusted", [2, ["10.0.0.0/8", "2001:db8:5::/48"]])
def test_behind_two_proxies_both_are_passed(settings, trusted):
    settings.WIKI_TRUSTED_PROXIES = trusted
    assert came_from("10.0.0.1", "198.51.100.9, 192.0.2.7, 2001:db8:5::1") == "192.0.2.7"


def test_who_passed_fewer_proxies_than_there_are_is_not_believed(settings):
    settings.WIKI_TRUSTED_PROXIES = 2
    assert came_from("10.0.0.1", "198.51.100.9") == "10.0.0.1"
    assert came_from("10.0.0.1") == "10.0.0.1"


def test_who_is_no_trusted_proxy_is_not_believed(settings):
    settings.WIKI_TRUSTED_PROXIES = ["10.0.0.1"]
    assert came_from("10.0.0.2", "198.51.100.9") == "10.0.0.2"
    assert came_from("", "198.51.100.9") == ""


def test_a_hop_that_cant_be_read_ends_the_search(settings):
    settings.WIKI_TRUSTED_PROXIES = ["10.0.0.0/8"]
    assert came_from("10.0.0.1", "198.51.100.9, unknown, 10.0.0.2") == "10.0.0.2"


@pytest.mark.parametrize("trusted", [1, ["unix"]])
def test_the_other_end_of_a_unix_socket_can_be_trusted(settings, trusted):
    settings.WIKI_TRUSTED_PROXIES = trusted
    assert came_from("", "198.51.100.9, 192.0.2.7") == "192.0.2.7"
    assert came_from(None, "192.0.2.7") == "192.0.2.7"


@pytest.mark.parametrize("value", [-1, 33, True, "10.0.0.1", "", ["10.0.0.300"], [None], {"a": 1}, 1.5, [[]]])
def test_proxies_that_cant_be_read_are_named(settings, value):
    settings.WIKI_TRUSTED_PROXIES = 1
    came_from("10.0.0.1")
    settings.WIKI_TRUSTED_PROXIES = value
    (found,) = [message for message in run_checks() if message.id == "django_hooks.E001"]
    assert found.msg.startswith("WIKI_TRUSTED_PROXIES must be a number of proxies")


def test_a_session_is_told_the_clients_address(settings):
    settings.WIKI_TRUSTED_PROXIES = 1
    settings.WIKI_AUDIT_IP = "truncated"
    request = RequestFactory().get("/", REMOTE_ADDR="10.0.0.1", headers={"X-Forwarded-For": "192.0.2.7"})
    assert describe(User(pk=1, username="sally"), request).ip == "192.0.2.0"
