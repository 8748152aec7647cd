from __future__ import annotations

import pytest
from django.core.checks import run_checks


def found() -> list[str]:
    return [message.id for message in run_checks() if message.id.startswith("django_hooks.")]


def test_a_plain_site_has_nothing_to_mend(club):
    assert found() == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WHOS_ONLINE_MAX_AGE", "15 min"),
        ("WHOS_ONLINE_MAX_AGE", 0),
        ("WHOS_ONLINE_MAX_AGE", float("nan")),
        ("WHOS_ONLINE_INTERVAL", -1),
        ("WHOS_ONLINE_INTERVAL", True),
        ("WHOS_ONLINE_CACHE", "5"),
        ("WHOS_ONLINE_CACHE", float("inf")),
        ("WHOS_ONLINE_MEMBERS_ONLY", "no"),
        ("WHOS_ONLINE_PROFILE_URL", 5),
        ("WHOS_ONLINE_HIDDEN", "no.such.thing"),
        ("WHOS_ONLINE_HIDDEN", "django"),
        ("WHOS_ONLINE_HIDDEN", True),
    ],
)
def test_a_setting_that_cant_be_used_is_named(club, settings, name, value):
    setattr(settings, name, value)
    (message,) = [message for message in run_checks() if message.id == "django_hooks.E020"]
    assert message.msg.startswith(name)
    assert message.hint


def test_a_middleware_in_the_wrong_place_is_named(club, settings):
    settings.MIDDLEWARE = settings.MIDDLEWARE[::-1]
    assert found() == ["django_hooks.E021"]


def test_an_order_that_costs_a_round_trip_is_warned_of(club, settings):
    wiki = "django_hooks.middleware.WikiMiddleware"
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, wiki]
    assert found() == ["django_hooks.W020"]
    settings.MIDDLEWARE = [*settings.MIDDLEWARE[:2], wiki, settings.MIDDLEWARE[2]]
    assert found() == []


@pytest.mark.parametrize(
    ("interval", "age", "wrong"), [(60, 900, False), (300, 900, False), (301, 900, True), (9, 9.0, True)]
)
def test_an_interval_that_is_not_well_below_the_window_is_named(club, settings, interval, age, wrong):
    settings.WHOS_ONLINE_INTERVAL = interval
    settings.WHOS_ONLINE_MAX_AGE = age
    assert found() == ["django_hooks.E022"] * wrong
