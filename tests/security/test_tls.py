"""TLS, with a server's certificate and a client's; what is wrong with either is said in words, by both clients."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from session_store import AsyncStore, Config, ConfigurationError, Store, StoreUnavailable
from tests.certificates import PAST, Authority, Certificates
from tests.servers import RedisServer, free_port
from tests.session_store.samples import new_token, opened


@pytest.fixture(scope="module")
def good(authority: Authority) -> Certificates:
    return authority.issue("127.0.0.1", "localhost")


@pytest.fixture(scope="module")
def server(good: Certificates) -> Iterator[RedisServer]:
    """A server that speaks TLS alone, and wants no certificate of its clients."""
    with RedisServer(tls=good) as server:
        yield server


@pytest.fixture(scope="module")
def strict_server(good: Certificates) -> Iterator[RedisServer]:
    """One that wants a client's certificate."""
    with RedisServer(tls=good, tls_auth_clients=True, blind=True) as server:
        yield server


def troubles(url: str, timeout: float = 5.0) -> list[str]:
    """Return what both kinds of client say that is wrong; they must mean the same."""
    config = Config(redis_url=url, redis_timeout=timeout)
    with pytest.raises(StoreUnavailable) as caught:
        Store(config).read(new_token())

    async def ask() -> StoreUnavailable:
        store = AsyncStore(config)
        try:
            with pytest.raises(StoreUnavailable) as caught:
                await store.read(new_token())
            return caught.value
        finally:
            await store.close()

    return [str(caught.value), str(asyncio.run(ask()))]


def other_options(server: RedisServer, options: str) -> str:
    return f"rediss://127.0.0.1:{server.port}/0" + (f"?{options}" if options else "")


def test_sessions_are_kept_over_tls(server):
    store = Store(Config(redis_url=server.url))
    token = opened(store)
    assert store.read(token).ref.sid == token.sid
    assert len(store.check([token, token])) == 2


def test_an_event_loop_speaks_tls_too(server):
    async def ask() -> object:
        store = AsyncStore(Config(redis_url=server.url))
        try:
            return await store.read(new_token())
        finally:
            await store.close()

    assert asyncio.run(ask()) is None


def test_a_client_shows_its_certificate_where_one_is_wanted(strict_server, authority):
    url = other_options(strict_server, authority.issue("wiki-site").client_options)
    assert Store(Config(redis_url=url)).count() == 0


@pytest.mark.parametrize("who", [None, "stranger"])
def test_without_a_trusted_certificate_a_client_is_told_which_option_to_set(strict_server, authority, stranger, who):
    shown = ""
    if who:
        theirs = stranger.issue("wiki-site")
        shown = f"&ssl_certfile={theirs.chain}&ssl_keyfile={theirs.key}"
    for text in troubles(strict_server.url + shown):
        assert "ssl_certfile" in text
        assert f"127.0.0.1:{strict_server.port}" in text


@pytest.mark.parametrize("options", ["", "ssl_ca_certs={stranger}"])
def test_a_server_whose_authority_is_not_trusted_is_refused(server, stranger, options):
    authority = stranger.issue("127.0.0.1").authority
    for text in troubles(other_options(server, options.format(stranger=authority))):
        assert "signed by nobody who is trusted here" in text
        assert "ssl_ca_certs=" in text


def test_it_is_trusted_unseen_only_where_one_asks_for_that(server):
    assert Store(Config(redis_url=other_options(server, "ssl_cert_reqs=none"))).count() >= 0


def test_an_expired_certificate_is_refused_as_such(authority, good):
    with RedisServer(tls=authority.issue("127.0.0.1", until=PAST), blind=True) as server:
        for text in troubles(server.url):
            assert "its certificate has expired; renew it on the server" in text


def test_a_certificate_for_another_host_is_refused_unless_names_are_not_checked(authority):
    with RedisServer(tls=authority.issue("redis.example.org"), blind=True) as server:
        for text in troubles(server.url):
            assert "its certificate is for another host than 127.0.0.1" in text
        assert Store(Config(redis_url=server.url + "&ssl_check_hostname=no")).count() == 0


def test_tls_to_a_server_that_speaks_none_ends_in_time(redis_server):
    for text in troubles(redis_server.url.replace("redis:", "rediss:"), timeout=0.3):
        assert "does not answer the TLS handshake" in text
        assert "redis://" in text


def test_speaking_in_the_clear_to_a_server_that_wants_tls_is_told(server):
    for text in troubles(f"redis://127.0.0.1:{server.port}/0"):
        assert "begin WIKI_REDIS_URL with rediss://" in text


def test_a_server_that_is_away_is_just_away():
    for text in troubles(f"rediss://127.0.0.1:{free_port()}/0"):
        assert "TLS" not in text


def test_a_version_that_the_server_does_not_speak_is_told(good):
    with RedisServer(tls=good, tls_protocols="TLSv1.2") as server:
        assert Store(Config(redis_url=server.url)).count() == 0
        for text in troubles(server.url + "&ssl_min_version=TLSv1.3"):
            assert "ssl_min_version" in text


def test_a_key_that_is_not_the_certificates_is_told_at_the_start(authority, good, tmp_path):
    other = authority.issue("other")
    with pytest.raises(ConfigurationError, match="the key is not the certificate's"):
        Config(redis_url=f"rediss://h/0?ssl_certfile={good.chain}&ssl_keyfile={other.key}")


def test_a_key_that_needs_a_password_asks_nobody_on_the_terminal(good, tmp_path: Path):
    from cryptography.hazmat.primitives import serialization as forms

    key = forms.load_pem_private_key(good.key.read_bytes(), None)
    secret = forms.BestAvailableEncryption(b"pw")
    locked = tmp_path / "locked.key"
    locked.write_bytes(key.private_bytes(forms.Encoding.PEM, forms.PrivateFormat.PKCS8, secret))
    with pytest.raises(ConfigurationError, match="ssl_certfile"):
        Config(redis_url=f"rediss://h/0?ssl_certfile={good.chain}&ssl_keyfile={locked}")
