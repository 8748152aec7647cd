"""A log-in or log-out leads to the site or to its wiki, whatever a link says."""

from __future__ import annotations

import random
from urllib.parse import urlsplit

import pytest
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from django_hooks.redirects import LONGEST, allowed
from tests.chromium import browser

SITE = "https://www.example.org"
WIKI = "https://wiki.example.org/club/"

#: What attackers begin with: each was a way out of some program once.
TRICKS = [
    "//evil.example",
    "///evil.example",
    "////evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "\\/evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "\t//evil.example",
    " //evil.example",
    "//evil.example/%2f..",
    "/\x00/evil.example",
    "https:evil.example",
    "https:/evil.example",
    "https:///evil.example",
    "https:\\\\evil.example",
    "hTTps://evil.example/club/",
    "ht\ntps://evil.example/",
    "javascript:alert(1)",
    "jAvAsCrIpT://wiki.example.org/club/%0aalert(1)",
    "data:text/html,hello",
    "https://wiki.example.org@evil.example/club/",
    "https://wiki.example.org:443@evil.example/club/",
    "https://evil.example\\@wiki.example.org/club/",
    "https://evil.example#@wiki.example.org/club/",
    "https://evil.example?@wiki.example.org/club/",
    "https://user:word@wiki.example.org/club/",
    "https://@wiki.example.org/club/",
    "https://wiki.example.org.evil.example/club/",
    "https://wiki.example.orgevil.example/club/",
    "https://evilwiki.example.org/club/",
    "https://wiki.example.org./club/",
    "https://wiki.example.org%2eevil.example/club/",
    "https://wiki.example.org\u3002evil.example/club/",
    "https://wiki.example.org\uff0eevil.example/club/",
    "https://wiki\uff0eexample.org/club/",
    "https://wiki.example.org%00.evil.example/club/",
    "https://wiki.example.org\uff0f.evil.example/club/",
    "https://wiki.example.org\\.evil.example/club/",
    "https://wiki.example.org;.evil.example/club/",
    "https://wiki.example.org:8443/club/",
    "https://wiki.example.org:x/club/",
    "https://wiki.example.org:99999/club/",
    "http://wiki.example.org/club/",
    "ftp://wiki.example.org/club/",
    "//wiki.example.org/club/",
    "https://wiki.example.org/",
    "https://wiki.example.org/clubs",
    "https://wiki.example.org/other/",
    "https://wiki.example.org/club/../admin",
    "https://wiki.example.org/club/%2e%2E/admin",
    "https://wiki.example.org/club/./.%2e/admin",
    "https://wiki.example.org/club/..",
    "/a/..//evil.example",
    "/..//evil.example",
    "/.//evil.example",
    "/%2e//evil.example",
    "/page\r\nSet-Cookie: a=b",
    "/page\u2028",
    "/page\ud800",
    "page",
    "?page",
    "#page",
    "",
    "[",
    "https://[::1",
    "https://[wiki.example.org]/club/",
]


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("/", "/"),
        ("/news/?page=2&sort=up", "/news/?page=2&sort=up"),
        ("/news/?to=https://evil.example/", "/news/?to=https://evil.example/"),
        ("/caf\xe9", "/caf%C3%A9"),
        ("https://wiki.example.org/club/", WIKI),
        ("https://wiki.example.org/club", "https://wiki.example.org/club"),
        ("https://wiki.example.org/club/Strand/B%C3%BCro?q=a%26b&x=%2F", WIKI + "Strand/B%C3%BCro?q=a%26b&x=%2F"),
        ("https://wiki.example.org/club/B\xfcro", WIKI + "B%C3%BCro"),
        ("HTTPS://WIKI.example.ORG:443/club/Home", WIKI + "Home"),
        ("https://wiki.example.org/club/..Home", WIKI + "..Home"),
        ("https://wiki.example.org/club/Home#part", WIKI + "Home"),
    ],
)
def test_pages_of_site_and_wiki_are_kept(address, place):
    assert allowed(address, WIKI) == place


@pytest.mark.parametrize("address", TRICKS)
def test_a_trick_leads_nowhere_foreign(address):
    assert_ours(allowed(address, WIKI))


def test_most_tricks_are_refused_outright():
    assert [trick for trick in TRICKS if allowed(trick, WIKI)] == ["///evil.example", "/page\u2028"]


def test_a_wiki_at_a_hosts_root_may_be_named_without_a_slash():
    assert allowed("http://localhost:8080", "http://localhost:8080/") == "http://localhost:8080/"
    assert allowed("http://localhost:8080?x=1", "http://localhost:8080/") == "http://localhost:8080/?x=1"
    assert allowed("http://localhost:80801/", "http://localhost:8080/") is None
    assert allowed("http://localhost/", "http://localhost:8080/") is None


def test_without_a_wiki_only_the_site_is_left():
    assert allowed("https://wiki.example.org/club/", "") is None
    assert allowed("https:///", "") is None
    assert allowed("/news/", "") == "/news/"


def test_nothing_endless_is_passed_on():
    assert allowed("/" + "x" * (LONGEST - 1), WIKI)
    assert allowed("/" + "x" * LONGEST, WIKI) is None


PIECES = [
    *TRICKS,
    WIKI,
    "/",
    "//",
    "\\",
    "@",
    ":",
    "%0d%0a",
    "%2f",
    "%5c",
    ".",
    "..",
    "https:",
    "evil.example",
    "?",
    "#",
]


@hypothesis_settings(max_examples=2000)
@given(address=st.one_of(st.text(max_size=60), st.lists(st.sampled_from(PIECES), max_size=5).map("".join)))
@example(address="https://wiki.example.org/club/")
def test_no_address_leads_anywhere_foreign(address):
    assert_ours(allowed(address, WIKI))


def test_a_browser_reads_no_answer_differently():
    dice = random.Random(7)  # noqa: S311 - not for secrets: each run throws the same
    given = [_mutated(dice) for _ in range(10_000)]
    places = sorted({place for address in given if (place := allowed(address, WIKI))})
    assert len(places) > 300
    with browser() as running:
        page = running.new_page()
        read = page.evaluate("([places, site]) => places.map(place => new URL(place, site).href)", [places, SITE])
    assert [url for url in read if not (url.partition("?")[0] + "/").startswith((SITE + "/", WIKI))] == []


def assert_ours(place):
    """Expect none, or a path on the site, or a page below the wiki's address, in plain characters."""
    if place is None:
        return
    assert place.isascii()
    assert place.isprintable()
    assert not set(place) & set('\\ "<>')
    if place.startswith("/"):
        assert not place.startswith("//")
    else:
        assert urlsplit(place)[:2] == urlsplit(WIKI)[:2]
        assert (urlsplit(place).path + "/").startswith("/club/")


def _mutated(dice):
    address = dice.choice([*TRICKS, WIKI, WIKI + "Home?a=b", "/news/?page=2", "/"])
    for _ in range(dice.randrange(4)):
        at = dice.randrange(len(address) + 1)
        piece = dice.choice([*PIECES, chr(dice.randrange(1, 0x250)), ""])
        address = address[:at] + piece + address[at + dice.randrange(3) :]
    return address
