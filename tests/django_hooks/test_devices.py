"""Devices and browsers, in words for people, whatever a user agent holds."""

from __future__ import annotations

import time

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from django_hooks.devices import LONGEST, LONGEST_WORD, read_device

WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
SAFARI = "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1"
KNOWN = [
    (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/130.0.0.0 Safari/537.36 Edg/130.0",
     "Edge 130 on Windows", "", "computer"),
    ("Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0", "Firefox 132 on Linux", "", "computer"),
    (f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {SAFARI} Safari/605.1.15", "Safari 18 on macOS", "", "computer"),
    (f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) {SAFARI} Mobile/15E148 Safari/604.1",
     "Safari 18 on iOS", "iPhone", "phone"),
    (f"Mozilla/5.0 (iPad; CPU OS 16_1 like Mac OS X) {SAFARI} Mobile/15E148 Safari/604.1",
     "Safari 18 on iPadOS", "iPad", "tablet"),
    (f"Mozilla/5.0 (Linux; Android 14; Pixel 8) {WEBKIT} Chrome/130.0.0.0 Mobile Safari/537.36",
     "Chrome 130 on Android", "Pixel 8", "phone"),
    (f"Mozilla/5.0 (Linux; Android 10; K) {WEBKIT} Chrome/130.0.0.0 Mobile Safari/537.36",
     "Chrome 130 on Android", "", "phone"),
    (f"Mozilla/5.0 (Linux; Android 13; SM-X700) {WEBKIT} Chrome/130.0.0.0 Safari/537.36",
     "Chrome 130 on Android", "", "tablet"),
    ("Mozilla/5.0 (Android 14; Mobile; rv:132.0) Gecko/132.0 Firefox/132.0", "Firefox 132 on Android", "", "phone"),
    ("curl/8.5.0", "curl 8", "", "other"),
    ("", "Unknown browser", "", "other"),
    ("<script>alert(1)</script>", "Unknown browser", "", "other"),
]  # fmt: skip


@pytest.mark.parametrize(("agent", "said", "model", "kind"), KNOWN, ids=lambda value: str(value)[:40])
def test_browsers_of_today_are_told_in_words(agent, said, model, kind):
    device = read_device(agent)
    assert (str(device), device.model, device.kind) == (said, model, kind)


def test_it_is_said_in_the_readers_language():
    device = read_device(KNOWN[1][0])
    with translation.override("de"):
        assert str(device) == "Firefox 132 unter Linux"
    with translation.override("fr"):
        assert str(device) == "Firefox 132 sous Linux"


PIECES = ["Mozilla/5.0 ", "(", "; ", "Android ", "Build/", ")", "\0", "\u202e", "Mobile", "é" * 60]
TRICKY = st.one_of(
    st.text(max_size=700),
    st.lists(st.sampled_from(PIECES)).map("".join),
)


@given(TRICKY)
def test_whatever_a_user_agent_holds_is_told_briefly_and_can_be_printed(text):
    device = read_device(text)
    for word in (device.browser, device.system, device.model):
        assert len(word) <= 2 * LONGEST_WORD + 1
        assert word.isprintable()
    assert device.kind in {"computer", "phone", "tablet", "other"}


@pytest.mark.parametrize("piece", ["a", "(", ";", "Android ", "Mozilla/5.0 (Linux; ", "- ", "/1.", "; Build/", " "])
def test_a_long_user_agent_costs_little_time(piece):
    began = time.process_time()
    read_device(piece * 10_000)
    assert time.process_time() - began < 2
    assert LONGEST <= 512
