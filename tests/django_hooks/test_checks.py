"""What is wrong with the settings is said before anybody logs in."""

from __future__ import annotations

import pytest
from django.conf import settings as django_settings
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured

from django_hooks.middleware import WikiMiddleware


def ids():
    return [message.id for message in run_checks() if message.id.startswith("django_hooks.")]


def test_a_plain_site_has_nothing_to_mend():
    assert ids() == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WIKI_REDIS_URL", "http://localhost"),
        ("WIKI_REDIS_URL", "redis://localhost:notaport/0"),
        ("WIKI_REDIS_PREFIX", "a{b}"),
        ("WIKI_REDIS_SHARDS", 0),
        ("WIKI_REDIS_SHARDS", True),
        ("WIKI_REDIS_TIMEOUT", "fast"),
        ("WIKI_COOKIE_AGE", -1),
        ("WIKI_COOKIE_AGE", 0),
        ("WIKI_IDLE_TIMEOUT", "1h"),
        ("WIKI_COOKIE_SAMESITE", "Sometimes"),
        ("WIKI_COOKIE_NAME", 5),
        ("WIKI_COOKIE_NAME", ""),
        ("WIKI_COOKIE_NAME", "a;b"),
        ("WIKI_COOKIE_NAME", "sessionid"),
        ("WIKI_COOKIE_AGE", float("nan")),
        ("WIKI_COOKIE_AGE", float("inf")),
        ("WIKI_COOKIE_AGE", 0.0001),
        ("WIKI_REDIS_URL", "redis://localhost/0?foo=1"),
        ("WIKI_REDIS_URL", "unix://"),
        ("WIKI_ENABLED", "yes"),
    ],
)
def test_a_setting_that_cant_be_used_is_named(settings, name, value):
    setattr(settings, name, value)
    found = [message for message in run_checks() if message.id == "django_hooks.E001"]
    assert len(found) == 1
    assert found[0].msg.startswith(name)
    assert found[0].hint


def test_a_missing_middleware_is_named(settings):
    settings.MIDDLEWARE = django_settings.MIDDLEWARE[:-1]
    assert ids() == ["django_hooks.E002"]


def test_a_site_that_only_wants_to_know_who_is_online_has_nothing_to_mend(settings):
    settings.MIDDLEWARE = [*django_settings.MIDDLEWARE[:-1], "django_hooks.middleware.WhosOnlineMiddleware"]
    assert ids() == []


def test_a_middleware_in_the_wrong_place_is_named(settings):
    settings.MIDDLEWARE = django_settings.MIDDLEWARE[::-1]
    assert "django_hooks.E003" in ids()


def test_a_name_that_promises_a_secure_cookie_needs_one(settings):
    settings.WIKI_COOKIE_NAME = "__Secure-wiki"
    assert ids() == ["django_hooks.E004"]
    settings.WIKI_COOKIE_SECURE = True
    assert ids() == []


def test_a_name_that_promises_no_domain_must_have_none(settings):
    settings.WIKI_COOKIE_NAME = "__Host-wiki"
    settings.WIKI_COOKIE_SECURE = True
    settings.WIKI_COOKIE_DOMAIN = "example.org"
    assert ids() == ["django_hooks.E004"]


def test_a_cookie_less_secure_than_djangos_is_warned_of(settings):
    settings.SESSION_COOKIE_SECURE = True
    assert ids() == []
    settings.WIKI_COOKIE_SECURE = False
    assert ids() == ["django_hooks.W001"]


def test_the_middleware_does_not_start_with_settings_that_cant_be_used(settings):
    settings.WIKI_REDIS_URL = "gopher://localhost"
    settings.WIKI_COOKIE_AGE = "600"
    with pytest.raises(ImproperlyConfigured, match=r"WIKI_REDIS_URL must begin with.*; WIKI_COOKIE_AGE must be"):
        WikiMiddleware(lambda _: None)


@pytest.mark.parametrize(
    ("url", "warned"),
    [
        ("redis://localhost/0", False),
        ("unix:///run/redis.sock", False),
        ("redis://redis.example.org/0", True),
        ("rediss://redis.example.org/0", False),
        ("rediss://redis.example.org/0?ssl_cert_reqs=none", True),
        ("rediss://redis.example.org/0?ssl_check_hostname=no", True),
    ],
)
def test_a_redis_that_anybody_could_listen_to_or_stand_in_for_is_named(settings, url, warned):
    settings.WIKI_REDIS_URL = url
    assert ids() == (["django_hooks.W030"] if warned else [])


def test_a_url_of_the_wrong_type_is_named_without_what_it_says(settings):
    settings.WIKI_REDIS_URL = b"redis://:hunter2@localhost/0"
    (found,) = [message for message in run_checks() if message.id == "django_hooks.E001"]
    assert "hunter2" not in found.msg


def test_a_password_file_that_cannot_be_read_is_named(settings):
    settings.WIKI_REDIS_PASSWORD_FILE = "/nowhere/password"
    assert ids() == ["django_hooks.E001"]
