"""Ten thousand cookies that nobody was given: none is a log-in, none a failure."""

from __future__ import annotations

import string

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from session_store import make_nonce, make_token

from .conftest import NAME

#: What tokens are made of.
LETTERS = string.ascii_letters + string.digits + "-_"

#: What a WSGI server may hand over: Latin-1, control characters included.
TEXT = st.binary(max_size=80).map(lambda raw: raw.decode("latin-1"))
TOKENS = st.builds(
    lambda shard, raw: f"{shard}.{''.join(LETTERS[byte % 64] for byte in raw)}",
    st.one_of(st.integers(-1, 10**6), TEXT),
    st.binary(min_size=40, max_size=46),
)
SEPARATORS = st.sampled_from(["; ", ";", ", ", " ", "\t", ";;", "\x00", "\r\n"])

ALWAYS = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], database=None)


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """Draw a header that holds nearly the cookie of somebody who is logged in, for which ``{}`` stands."""
    header = NAME + "={}"
    for _ in range(draw(st.integers(1, 3))):
        how = draw(st.sampled_from(["twice", "other", "rename", "quote", "escape", "wrap", "upper"]))
        if how == "twice":
            header += draw(SEPARATORS) + NAME + "=" + draw(TOKENS)
        elif how == "other":
            header = NAME + "=" + draw(TOKENS) + draw(SEPARATORS) + header
        elif how == "rename":
            header = header.replace(NAME, draw(st.sampled_from([NAME + "x", "x" + NAME, NAME.upper(), NAME + "[0]"])))
        elif how == "quote":
            header = header.replace("{}", '"{}"')
        elif how == "escape":
            header = header.replace("{}", "%30{}")
        elif how == "wrap":
            header = header.replace("{}", draw(TEXT.filter(str.strip)) + "{}")
        else:
            header = header.replace(
                "{}", "{}" + draw(st.sampled_from(["=", ".", "x", "\x00", "%00", ",", " x", "\xa0x"]))
            )
    return header


@pytest.fixture
def good(wiki, people) -> str:
    """The cookie of somebody who is logged in and known to the wiki."""
    token = people("sally")
    assert wiki.name(wiki.reader(token)) == "sally"
    return token.value


def user_of(wiki, header: str):
    """Return the user whom moin would be given for a Cookie header."""
    with wiki.app.test_request_context("/Home", environ_base={"HTTP_COOKIE": header}):
        return wiki.app.cfg.auth[0].request(None)[0]


def names_it_alone(header: str, value: str) -> bool:
    """Say, by other means than the code's, whether a header has the one cookie with that value."""
    values = [part.split("=", 1)[1].strip() for part in header.split(";") if part.split("=", 1)[0].strip() == NAME]
    return bool(values) and set(values) == {value}


@settings(ALWAYS, max_examples=3200)
@given(header=st.one_of(TEXT, TEXT.map(f"{NAME}=".__add__), TOKENS.map(f"{NAME}=".__add__)))
def test_a_random_cookie_is_nobodys(wiki, header):
    assert user_of(wiki, header) is None


@settings(ALWAYS, max_examples=3200)
@given(header=mutated())
def test_a_cookie_that_is_nearly_right_is_nobodys(wiki, good, header):
    header = header.replace("{}", good)
    user = user_of(wiki, header)
    assert user is None or names_it_alone(header, good)


def test_a_token_with_one_other_character_is_nobodys(wiki, good):
    for at, right in enumerate(good):
        for wrong in LETTERS + ".;=\x00\xff":
            header = f"{NAME}={good[:at]}{wrong}{good[at + 1 :]}"
            assert wrong == right or user_of(wiki, header) is None, header


@settings(ALWAYS, max_examples=500)
@given(header=st.one_of(mutated(), TEXT), method=st.sampled_from(["get", "post", "head", "options"]))
def test_no_cookie_makes_a_page_fail(wiki, good, header, method):
    client = wiki.app.test_client(use_cookies=False)
    header = header.replace("{}", good)
    response = getattr(client, method)("/+blank", environ_base={"HTTP_COOKIE": header})
    assert response.status_code < 500
    assert "sally" not in response.text or names_it_alone(header, good)


@pytest.mark.parametrize(
    "header",
    [
        f"{NAME}=" + "x" * 200_000,
        f"{NAME}=0." + "x" * 43 + ("; a=" + "b" * 100) * 2_000,
        f"{NAME}=" * 5_000,
        f"; {NAME}=0.{'x' * 43}" * 2_000,
    ],
    ids=["long", "among many", "nested", "repeated"],
)
def test_a_huge_cookie_is_nobodys(wiki, header):
    client = wiki.app.test_client(use_cookies=False)
    assert client.get("/+blank", environ_base={"HTTP_COOKIE": header}).status_code == 200
    assert user_of(wiki, header) is None


def test_a_cookie_planted_beside_the_right_one_is_nobodys(wiki, people, good):
    other = people("harry", user_id="2").value
    for header in (f"{NAME}={good}; {NAME}={other}", f"{NAME}={other}; {NAME}={good}", f"{NAME}={good}; {NAME}="):
        assert user_of(wiki, header) is None
    assert user_of(wiki, f"{NAME}={good}; {NAME}={good}").name == ["sally"]


@pytest.mark.parametrize("shard", [1, 7, 9999])
def test_another_shards_token_is_nobodys(wiki, good, shard):
    token = make_token(b"the site's", make_nonce(), 0, shard)
    assert user_of(wiki, f"{NAME}={token.value}") is None
    assert user_of(wiki, f"{NAME}={shard}.{good.partition('.')[2]}") is None


@pytest.mark.unguarded
def test_another_prefix_knows_nobody(make_wiki, good):
    assert user_of(make_wiki(redis_prefix="club"), f"{NAME}={good}") is None


def test_another_cookies_name_proves_nothing(make_wiki, good):
    wiki = make_wiki(cookie_name="__Host-wiki")
    assert user_of(wiki, f"{NAME}={good}") is None
    assert user_of(wiki, f"__Host-wiki={good}") is not None
