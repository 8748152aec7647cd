"""What is wrong with the settings is said before anybody logs in."""

from __future__ import annotations

import pytest
from django.conf import settings as django_settings
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured

from django_hooks.middleware import WikiMiddleware


def ids(*, deploy=False):
    messages = [each for each in run_checks(include_deployment_checks=deploy) if each.id.startswith("django_hooks.")]
    assert all(each.hint for each in messages)
    return sorted(each.id for each in messages)  # Django runs them in no order of its own


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
        ("WIKI_MAX_SESSIONS", 0),
        ("WIKI_MAX_SESSIONS", -1),
        ("WIKI_MAX_SESSIONS", True),
        ("WIKI_USER_TEST", "no.such.function"),
        ("WIKI_USER_TEST", 5),
        ("WIKI_USER_TEST", "tests.django_hooks.urls.awho"),
        ("WIKI_URL", "wiki.example.org"),
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
    settings.ALLOWED_HOSTS = ["example.org"]
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


@pytest.mark.parametrize(
    ("url", "shards", "warned"),
    [
        ("redis://localhost/0", 10_000, False),
        ("redis+cluster://localhost:7000", 128, False),
        ("redis+cluster://localhost:7000", 129, True),
    ],
)
def test_more_shards_than_a_worker_can_look_after_are_named(settings, url, shards, warned):
    settings.WIKI_REDIS_URL, settings.WIKI_REDIS_SHARDS = url, shards
    assert ids() == (["django_hooks.W031"] if warned else [])


def test_a_url_of_the_wrong_type_is_named_without_what_it_says(settings):
    settings.WIKI_REDIS_URL = b"redis://:hunter2@localhost/0"
    (found,) = [message for message in run_checks() if message.id == "django_hooks.E001"]
    assert "hunter2" not in found.msg


def test_a_password_file_that_cannot_be_read_is_named(settings):
    settings.WIKI_REDIS_PASSWORD_FILE = "/nowhere/password"
    assert ids() == ["django_hooks.E001"]


def test_a_middleware_without_sessions_before_it_is_named(settings):
    settings.MIDDLEWARE = [*django_settings.MIDDLEWARE[1:], django_settings.MIDDLEWARE[0]]
    assert ids() == ["django_hooks.E005"]


def test_a_middleware_that_is_there_twice_is_named(settings):
    settings.MIDDLEWARE = [*django_settings.MIDDLEWARE, django_settings.MIDDLEWARE[-1]]
    assert ids() == ["django_hooks.E006"]


def test_pages_from_the_cache_must_pass_the_middleware(settings):
    cache = "django.middleware.cache.FetchFromCacheMiddleware"
    *others, ours = django_settings.MIDDLEWARE
    settings.MIDDLEWARE = [*others, ours, cache]
    assert ids() == []
    settings.MIDDLEWARE = [*others, cache, ours]
    assert ids() == ["django_hooks.W002"]


def test_a_cookie_for_every_site_must_be_secure(settings):
    settings.SESSION_COOKIE_SAMESITE = settings.WIKI_COOKIE_SAMESITE = "None"
    assert ids() == ["django_hooks.E007"]
    settings.WIKI_COOKIE_SECURE = True
    assert ids() == []


@pytest.mark.parametrize(
    ("url", "domain", "hosts", "found"),
    [
        ("https://wiki.example.org/", "example.org", ["www.example.org"], []),
        ("https://WIKI.example.org/", ".EXAMPLE.org", [".example.org"], []),
        ("https://example.org/", "example.org", ["example.org"], []),
        ("https://badexample.org/", "example.org", ["example.org"], ["django_hooks.W003"]),
        ("https://wiki.example.com/", "example.org", ["*"], ["django_hooks.W003"]),
        ("https://wiki.example.org/", None, ["www.example.org"], ["django_hooks.W003"]),
        ("https://www.example.org:8080/wiki/", None, ["www.example.org"], []),
        ("https://wiki.example.org/", None, ["*"], []),
        ("http://localhost:8080/", None, [], []),
        ("http://[::1]:8080/", None, [], []),
        ("https://wiki.example.com/", "example.com", ["www.example.org", "example.org"], ["django_hooks.W004"]),
        ("https://wiki.example.com/", "example.com", ["www.example.org", "shop.example.com"], []),
    ],
)
def test_the_cookie_must_reach_site_and_wiki(settings, url, domain, hosts, found):
    settings.WIKI_URL, settings.WIKI_COOKIE_DOMAIN, settings.ALLOWED_HOSTS = url, domain, hosts
    assert ids() == found


@pytest.mark.parametrize(
    ("djangos", "ours", "found"),
    [
        ("Strict", None, []),
        ("Strict", "Strict", []),
        ("Strict", "Lax", ["django_hooks.W008"]),
        ("Lax", None, []),
        ("Lax", "Strict", []),
        ("Lax", "None", ["django_hooks.W008"]),
        (False, None, []),
        (None, "None", ["django_hooks.W008"]),
        ("None", None, []),
        ("None", "None", []),
    ],
)
def test_a_link_from_another_site_must_not_bring_the_wikis_cookie_alone(settings, djangos, ours, found):
    settings.SESSION_COOKIE_SECURE = True
    settings.SESSION_COOKIE_SAMESITE = djangos
    if ours:
        settings.WIKI_COOKIE_SAMESITE = ours
    assert ids() == found


@pytest.mark.parametrize(
    ("path", "script", "found"),
    [
        ("/", None, []),
        ("/members/", None, ["django_hooks.W009"]),
        ("/members/", "/shop", ["django_hooks.W009"]),
        ("/members/", "/members", []),
        ("/members", "/members/area", []),
    ],
)
def test_pages_beside_djangos_cookie_must_not_get_the_wikis_alone(settings, path, script, found):
    settings.SESSION_COOKIE_PATH, settings.FORCE_SCRIPT_NAME = path, script
    assert ids() == found


@pytest.mark.parametrize(
    ("hosts", "domain", "found"),
    [
        (["www.example.org"], None, []),
        (["www.example.org", "wiki.example.org", "localhost"], None, []),
        (["www.example.org", "example.org"], None, ["django_hooks.W010"]),
        (["www.example.org", "example.org"], "www.example.org", ["django_hooks.W010"]),
        (["www.example.org", "example.org"], "example.org", []),
    ],
)
def test_hosts_of_one_site_must_not_get_the_wikis_cookie_alone(settings, hosts, domain, found):
    settings.WIKI_URL, settings.WIKI_COOKIE_DOMAIN = "https://wiki.example.org/", "example.org"
    settings.ALLOWED_HOSTS, settings.SESSION_COOKIE_DOMAIN = hosts, domain
    assert ids() == found
    settings.PREPEND_WWW = True
    assert ids() == []


@pytest.mark.parametrize("backend", ["locmem.LocMemCache", "dummy.DummyCache"])
def test_sessions_in_a_cache_that_forgets_are_warned_of(settings, backend):
    settings.CACHES = {"default": {"BACKEND": f"django.core.cache.backends.{backend}"}}
    assert ids() == []
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.cache"
    assert ids() == ["django_hooks.W005"]


@pytest.mark.parametrize(
    ("location", "found"),
    [
        ("redis://localhost:6379/3", ["django_hooks.W006"]),
        (["redis://cache.example.org", "redis://:word@localhost"], ["django_hooks.W006"]),
        ("redis://localhost:6380/0", []),
        ("redis://localhost:notaport/0", ["django_hooks.W006"]),
        ("unix:///run/redis.sock", []),
    ],
)
def test_a_cache_on_the_same_redis_is_warned_of(settings, location, found):
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
        "pages": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": location},
    }
    assert ids() == found


def test_a_lifetime_beyond_djangos_own_is_warned_of(settings):
    settings.WIKI_COOKIE_AGE = settings.SESSION_COOKIE_AGE
    assert ids() == []
    settings.WIKI_COOKIE_AGE += 1
    assert ids() == ["django_hooks.W007"]


def test_production_needs_https_and_a_guarded_redis(settings):
    settings.WIKI_REDIS_URL = "redis://redis.example.org:6379/0"
    assert ids() == ["django_hooks.W030"]
    assert ids(deploy=True) == ["django_hooks.W030", "django_hooks.W040", "django_hooks.W042"]
    settings.SESSION_COOKIE_SECURE = True
    assert ids(deploy=True) == ["django_hooks.W030", "django_hooks.W041", "django_hooks.W042"]
    settings.WIKI_COOKIE_NAME = "__Host-wiki"
    settings.WIKI_REDIS_URL = "rediss://site:word@redis.example.org:6379/0"
    assert ids(deploy=True) == []


def test_a_redis_on_this_machine_needs_neither(settings):
    settings.SESSION_COOKIE_SECURE, settings.WIKI_COOKIE_NAME = True, "__Secure-wiki"
    for url in ("redis://localhost", "redis://127.0.0.1:7000/1", "unix:///run/redis/redis.sock"):
        settings.WIKI_REDIS_URL = url
        assert ids(deploy=True) == []


@pytest.mark.parametrize("name", ["WIKI_REDIS_URL", "WIKI_COOKIE_NAME", "WIKI_COOKIE_DOMAIN", "WIKI_URL"])
def test_a_setting_of_the_wrong_type_breaks_no_other_check(settings, name):
    setattr(settings, name, 5)
    assert "django_hooks.E001" in ids(deploy=True)
