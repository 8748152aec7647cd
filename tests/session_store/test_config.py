from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from session_store import Config, ConfigurationError
from session_store.config import page_root


def test_the_defaults_are_as_agreed():
    config = Config()
    assert (config.redis_url, config.redis_prefix, config.redis_shards, config.redis_timeout) == (
        *("redis://localhost:6379/0", "sso", 1),
        0.5,
    )


def test_an_empty_environment_gives_the_defaults():
    assert Config.from_env({}) == Config()


def test_an_empty_variable_is_an_absent_one():
    names = ("WIKI_REDIS_URL", "WIKI_REDIS_PREFIX", "WIKI_REDIS_SHARDS", "WIKI_REDIS_TIMEOUT")
    assert Config.from_env(dict.fromkeys(names, "")) == Config()


def test_the_environment_is_read():
    environ = {
        "WIKI_REDIS_URL": "unix:///run/redis.sock?db=3",
        "WIKI_REDIS_PREFIX": "wiki",
        "WIKI_REDIS_SHARDS": "16",
        "WIKI_REDIS_TIMEOUT": "0.25",
        "OTHER": "x",
    }
    assert Config.from_env(environ) == Config("unix:///run/redis.sock?db=3", "wiki", 16, 0.25)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WIKI_REDIS_URL", "http://localhost"),
        ("WIKI_REDIS_URL", "localhost:6379"),
        ("WIKI_REDIS_URL", "redis://localhost:99999/0"),
        ("WIKI_REDIS_URL", "redis://localhost:abc/0"),
        ("WIKI_REDIS_URL", "redis://[::1/0"),
        ("WIKI_REDIS_URL", "redis://localhost/sessions"),
        ("WIKI_REDIS_PREFIX", "a b"),
        ("WIKI_REDIS_PREFIX", "{sso}"),
        ("WIKI_REDIS_PREFIX", "sso\n"),
        ("WIKI_REDIS_PREFIX", "sso\udcff"),
        ("WIKI_REDIS_SHARDS", "0"),
        ("WIKI_REDIS_SHARDS", "-1"),
        ("WIKI_REDIS_SHARDS", "10001"),
        ("WIKI_REDIS_SHARDS", "many"),
        ("WIKI_REDIS_SHARDS", "1.5"),
        ("WIKI_REDIS_TIMEOUT", "0"),
        ("WIKI_REDIS_TIMEOUT", "-1"),
        ("WIKI_REDIS_TIMEOUT", "61"),
        ("WIKI_REDIS_TIMEOUT", "nan"),
        ("WIKI_REDIS_TIMEOUT", "inf"),
        ("WIKI_REDIS_TIMEOUT", "soon"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_under_the_name_that_people_type(name, value):
    with pytest.raises(ConfigurationError) as caught:
        Config.from_env({name: value})
    assert caught.value.setting == name
    assert str(caught.value).startswith(name)


@pytest.mark.parametrize("url", ["redis://:hunter2@localhost:99999/0", "http://user:hunter2@localhost"])
def test_a_refused_url_does_not_show_its_password(url):
    with pytest.raises(ConfigurationError) as caught:
        Config(redis_url=url)
    assert "hunter2" not in str(caught.value)


def test_a_config_can_be_shown_without_giving_the_password_away():
    assert "hunter2" not in repr(Config(redis_url="redis://:hunter2@localhost"))


@pytest.mark.parametrize(
    "url", ["redis://h", "redis://h/", "redis://h:1/15", "rediss://u:p@h/0", "unix:///run/r.sock", "redis://[::1]:6379"]
)
def test_usual_urls_are_taken(url):
    assert Config(redis_url=url).redis_url == url


@settings(max_examples=50)
@given(st.dictionaries(st.sampled_from(["WIKI_REDIS_URL", "WIKI_REDIS_PREFIX", "WIKI_REDIS_SHARDS"]), st.text()))
def test_any_environment_gives_a_config_or_names_the_variable_that_is_wrong(environ):
    assert refused_variable(environ) in {None, *environ}


def refused_variable(environ: dict[str, str]) -> str | None:
    """Return the name of the variable that an environment is refused for."""
    try:
        Config.from_env(environ)
    except ConfigurationError as error:
        return error.setting
    return None


@pytest.mark.parametrize(
    ("url", "root"),
    [
        ("", ""),
        ("https://wiki.example.org", "https://wiki.example.org/"),
        ("HTTPS://Wiki.example.org/Club", "https://wiki.example.org/Club/"),
        ("http://[::1]:8080/", "http://[::1]:8080/"),
    ],
)
def test_the_address_of_pages_ends_in_a_slash(url, root):
    assert page_root("WIKI_URL", url) == root


NO_ADDRESSES = (
    r"wiki.example.org /wiki/ //wiki ftp://wiki http:// http://a:x/ http://a@b/ http://a/?b http://a/#b http://a\b/"
)


@pytest.mark.parametrize("url", [*NO_ADDRESSES.split(), "http://a/ b", "http://\xe9/", "http://[::1", "http://a\n/"])
def test_an_address_that_is_none_is_named(url):
    with pytest.raises(ConfigurationError, match="WIKI_URL must be like https://"):
        page_root("WIKI_URL", url)
