from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from session_store import Config, ConfigurationError
from session_store.address import parse_address
from session_store.credentials import read_password


@pytest.mark.parametrize(
    ("url", "bare", "user", "auth"),
    [
        ("redis://h:7000/3", "redis://h:7000/3", "", None),
        ("redis://:p%40ss@h/0", "redis://h:6379/0", "", ("p@ss",)),
        ("redis://wiki-site:pw@h/0", "redis://h:6379/0", "wiki-site", ("wiki-site", "pw")),
        ("redis://wiki-site@h/0", "redis://h:6379/0", "wiki-site", ("wiki-site", "")),
        ("redis://h/1?username=u&password=p&protocol=2", "redis://h:6379/1?protocol=2", "u", ("u", "p")),
        ("unix:///run/r.sock?db=2", "unix:///run/r.sock?db=2", "", None),
        ("unix://u:p@/run/r.sock", "unix:///run/r.sock", "u", ("u", "p")),
        ("rediss://u:p@[::1]:6380/0?ssl_cert_reqs=none", "rediss://[::1]:6380/0?ssl_cert_reqs=none", "u", ("u", "p")),
    ],
)
def test_a_url_is_taken_apart_into_what_may_be_seen_and_who_one_is(url, bare, user, auth):
    address = parse_address(url)
    assert (address.url, address.user) == (bare, user)
    assert (address.credentials.get_credentials() if address.credentials else None) == auth


@pytest.mark.parametrize(
    ("url", "local", "encrypted", "checked"),
    [
        ("redis://localhost/0", True, False, False),
        ("redis://127.0.0.1/0", True, False, False),
        ("unix:///run/r.sock", True, False, False),
        ("redis://redis.example.org/0", False, False, False),
        ("rediss://redis.example.org/0", False, True, True),
        ("rediss://redis.example.org/0?ssl_cert_reqs=none", False, True, False),
        ("rediss://redis.example.org/0?ssl_cert_reqs=optional", False, True, False),
        ("rediss://redis.example.org/0?ssl_check_hostname=no", False, True, False),
        ("rediss://redis.example.org/0?ssl_check_hostname=true", False, True, True),
    ],
)
def test_it_is_known_how_safely_a_url_travels(url, local, encrypted, checked):
    address = parse_address(url)
    assert (address.local, address.encrypted, address.checked) == (local, encrypted, checked)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("redis://h/0?ssl_ca_certs=/etc/ca.pem", "rediss:// alone"),
        ("redis://h/0?decode_responses=true", "none of"),
        ("redis://h/0?db=three", "value"),
        ("redis://h/0?protocol=four", "value"),
        ("rediss://h/0?ssl_cert_reqs=maybe", "value"),
        ("rediss://h/0?ssl_min_version=TLSv1.1", "TLSv1.2"),
        ("rediss://h/0?ssl_ca_certs=/nowhere/ca.pem", "ssl_ca_certs=/nowhere/ca.pem"),
        ("rediss://h/0?ssl_ca_path=/nowhere", "ssl_ca_path"),
        ("rediss://h/0?ssl_certfile=/nowhere/me.pem", "ssl_certfile=/nowhere/me.pem"),
        ("rediss://h/0?ssl_keyfile=/nowhere/me.key", "no ssl_certfile"),
        ("rediss://h/0?ssl_ciphers=none-of-them", "ssl_ciphers"),
        (f"rediss://h/0?ssl_ca_certs={__file__}", "OpenSSL can't use it"),
        ("unix://run/redis.sock", "names no socket"),
        ("redis://h:0/0", "host or a port"),
        ("redis://h:port/0", "host or a port"),
        ("redis+cluster://h1, h2", "host or a port"),
        ("redis+cluster://::1:7000,h2", "[::1]:6379"),
        ("redis://h1:1,h2:2/0", "redis+sentinel://"),
        ("redis+cluster://h1,h2/mymaster", "database 0 alone"),
        ("redis+cluster://h1,h2/1", "database 0 alone"),
        ("redis+sentinel://h1,u:hunter2@h2/mymaster", "once, for all"),
        ("redis+cluster://h1,u:hunter2@h2", "once, for all"),
    ],
)
def test_what_cannot_be_used_is_named_at_the_start_and_without_the_password(url, why):
    with pytest.raises(ConfigurationError, match="WIKI_REDIS_URL") as caught:
        Config(redis_url=url.replace("://", "://u:hunter2@", 1) if "unix" not in url else url)
    assert why in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("password", ["12/hunter2", "12#hunter2", "12?hunter2", "12/hunter@2", "12?a@b=hunter2"])
@pytest.mark.parametrize("url", ["redis://u:{}@h/0", "redis+sentinel://u:{}@h/mymaster", "redis+cluster://u:{}@h:7000"])
def test_a_password_that_is_not_escaped_is_not_taken_for_a_port_or_a_service(url, password):
    with pytest.raises(ConfigurationError, match="WIKI_REDIS_URL") as caught:
        Config(redis_url=url.format(password))
    assert "hunter" not in str(caught.value)


def test_a_host_that_stands_there_twice_counts_once():
    assert parse_address("redis+sentinel://h,h:26379,H,other:1/mymaster").name == (
        "mymaster (by the Sentinels h:26379,other:1)"
    )


def test_the_password_comes_from_a_file_and_the_user_from_the_url(tmp_path):
    file = tmp_path / "password"
    file.write_text("hunter2\n")
    environ = {"WIKI_REDIS_URL": "redis://wiki-site@h/0", "WIKI_REDIS_PASSWORD_FILE": str(file)}
    config = Config.from_env(environ)
    assert config.address.credentials.get_credentials() == ("wiki-site", "hunter2")
    file.write_text("hunter3")
    assert config.address.credentials.get_credentials() == ("wiki-site", "hunter3")
    assert "hunter" not in repr(config) + repr(vars(config)) + repr(config.address) + repr(vars(config.address))


@pytest.mark.parametrize("content", [b"", b"\n", b"two\nlines\n", b"tab\there", b"\xff\xfe", None])
def test_a_file_that_holds_no_password_is_named(tmp_path, content):
    file = tmp_path / "password"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigurationError, match=f"WIKI_REDIS_PASSWORD_FILE names '?{file}"):
        Config(redis_url="redis://wiki-site@h/0", redis_password_file=str(file))


def test_a_password_in_url_and_file_is_one_too_many(tmp_path):
    (tmp_path / "password").write_text("hunter2")
    with pytest.raises(ConfigurationError, match="remove one of them") as caught:
        Config(redis_url="redis://:hunter3@h/0", redis_password_file=str(tmp_path / "password"))
    assert "hunter" not in str(caught.value)


@pytest.mark.parametrize("url", ["redis://:hunter2@h/0", "redis://h/0?password=hunter2"])
def test_no_password_is_shown_by_anything_that_keeps_it(url):
    config = Config(redis_url=url)
    shown = repr([config, vars(config), config.address, vars(config.address), vars(config.address.credentials)])
    assert "hunter2" not in shown + str(config.redis_url)
    assert config.redis_url == url


def refused_for(call: Callable[..., object], *words: str) -> str | None:
    """Return the setting that a call refuses, None where it takes it."""
    try:
        call(*words)
    except ConfigurationError as error:
        return error.setting
    return None


@given(st.text())
def test_no_file_name_makes_anything_but_a_password_or_a_message(name):
    assert refused_for(read_password, name) in {None, "WIKI_REDIS_PASSWORD_FILE"}


@given(st.text(), st.sampled_from(["redis://", "rediss://", "unix://"]), st.sampled_from(["", "h/0", "h/0?", "/a?"]))
def test_any_url_is_taken_apart_or_refused(text, scheme, place):
    for url in (scheme + place + text, scheme + text + place):
        assert refused_for(parse_address, url) in {None, "WIKI_REDIS_URL"}
