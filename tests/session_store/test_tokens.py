from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from session_store import Token, make_nonce, make_token, parse_token, token_in_header
from session_store.keys import SID
from session_store.tokens import MAX_LENGTH

TOKEN = "0." + "a" * 43

secrets_of_sites = st.binary(min_size=1, max_size=64)
nonces = st.from_regex(r"[A-Za-z0-9_-]{22}", fullmatch=True)
shards = st.integers(0, 9999)
tokens = st.builds(make_token, secrets_of_sites, nonces, st.integers(0, 10**6), shards)


@given(st.text() | st.text(st.sampled_from("0123.aA_-\n\0=")) | st.from_regex(r"[0-9]{1,5}\.[A-Za-z0-9_-]{42,44}\s?"))
@example(TOKEN + "\n")
@example("00." + "a" * 43)
@example("٣." + "a" * 43)
@example("0." + "ä" * 43)
@example("\ud800" * 45)
@example("0." + "a" * 100_000)
def test_any_text_is_a_token_or_nothing(text):
    token = parse_token(text)
    if token is not None:
        assert token.value == text
        assert re.fullmatch(r"(0|[1-9][0-9]{0,3})\.[A-Za-z0-9_-]{43}", text, re.ASCII)
        assert token.shard == int(text.split(".")[0])
        assert SID.fullmatch(token.sid)


@pytest.mark.parametrize(
    "nothing", [None, "", "0", "0.", "." + "a" * 43, TOKEN + "a", " " + TOKEN, "10000." + "a" * 43]
)
def test_what_is_no_token_is_none(nothing):
    assert parse_token(nothing) is None


@given(tokens)
def test_what_is_made_is_parsed(token):
    assert parse_token(token.value) == token
    assert len(token.value) <= MAX_LENGTH
    assert len(token.value) == len(str(token.shard)) + 44


@given(secrets_of_sites, nonces, st.integers(0, 1000), shards)
def test_the_same_arguments_make_the_same_token(secret, nonce, generation, shard):
    assert make_token(secret, nonce, generation, shard) == make_token(secret, nonce, generation, shard)


arguments = st.tuples(secrets_of_sites, nonces, st.integers(0, 100), st.integers(0, 100))


@given(arguments, arguments)
@example((b"s", "a" * 22, 1, 11), (b"s", "a" * 22, 11, 1))
@example((b"s", "a" * 22, 1, 0), (b"s", "a" * 22, 2, 0))
@example((b"s", "a" * 22, 1, 0), (b"t", "a" * 22, 1, 0))
@example((b"s", "a" * 22, 1, 0), (b"s", "a" * 21 + "b", 1, 0))
@example((b"s", "a" * 22, 1, 0), (b"s", "a" * 22, 1, 1))
def test_different_arguments_make_different_tokens(one, other):
    # HMAC pads a secret with zero bytes, so secrets that differ in those alone are the same secret.
    if (one[0].rstrip(b"\0"), *one[1:]) != (other[0].rstrip(b"\0"), *other[1:]):
        assert make_token(*one).value[-43:] != make_token(*other).value[-43:]


def test_token_and_sid_are_pinned_as_cookies_outlive_an_upgrade():
    token = make_token(b"secret", "nonce", 1, 3)
    assert token.value == "3.qiQJ_87uXVCp0feMDsel4NKJoLD9JG3_ygUDw-mex-k"
    assert token.sid == "VQe0Ws6a7JaY85UTT_7gnQ"


@given(tokens)
def test_a_sid_has_22_characters_and_shows_nothing_of_the_token(token):
    assert SID.fullmatch(token.sid)
    assert token.sid not in token.value


@given(tokens)
def test_a_token_can_be_shown_without_giving_it_away(token):
    assert token.value[2:] not in repr(token)
    assert token.value[2:] not in str(token)


def test_nonces_differ_and_have_22_characters():
    nonces = {make_nonce() for _ in range(1000)}
    assert len(nonces) == 1000
    assert all(SID.fullmatch(nonce) for nonce in nonces)


@pytest.mark.parametrize(
    "header",
    [
        f"wiki_session={TOKEN}",
        f"a=b; wiki_session={TOKEN}; c=d",
        f"a=b;wiki_session={TOKEN}",
        f"wiki_session={TOKEN}; wiki_session={TOKEN}",
        f"wiki_session = {TOKEN} ;",
    ],
)
def test_the_cookie_is_found_in_a_header(header):
    assert token_in_header(header, "wiki_session") == Token(TOKEN, 0)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "wiki_session",
        "wiki_session=",
        f"my_wiki_session={TOKEN}",
        f"wiki_session2={TOKEN}",
        f"a=wiki_session={TOKEN}",
        f"wiki_session={TOKEN}; wiki_session=1{TOKEN}",
        f"wiki_session=; wiki_session={TOKEN}",
    ],
)
def test_a_header_without_one_clear_cookie_gives_nothing(header):
    assert token_in_header(header, "wiki_session") is None


@given(st.text() | st.text(st.sampled_from('wiki_session=;, 0.a"\\\n\0\ud800')))
def test_any_header_gives_a_token_or_nothing(header):
    assert isinstance(token_in_header(header, "wiki_session"), Token | None)


def test_a_logout_key_belongs_to_one_token_and_gives_nothing_of_it_away():
    token, other = (make_token(b"secret", nonce, 0, 0) for nonce in ("one", "two"))
    assert token.is_logout_key(token.logout_key)
    assert not token.is_logout_key(other.logout_key)
    assert token.logout_key not in {token.value, token.sid}
    assert len(token.logout_key) == 22
    assert not any(token.is_logout_key(text) for text in ("", "\xe9", "\ud800", token.sid, token.logout_key + "x"))


@given(tokens)
def test_no_way_of_showing_a_token_shows_its_value(token):
    secret = token.value[-43:]
    assert token.sid
    assert secret not in f"{token} {token!r} {[token]} {list(token.__rich_repr__())}"
