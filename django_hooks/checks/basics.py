"""Checks of the settings themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.checks import CheckMessage, Error, register

from session_store import ConfigurationError

from ..conf import Settings, conf, problems


@register
def check_settings(**_: Any) -> list[CheckMessage]:
    """E001: a setting that can't be used."""
    hint = "See the table of settings in the README."
    return [Error(problem, hint=hint, id="django_hooks.E001") for problem in problems()]


def usable(read: Callable[[Settings], Any]) -> bool:
    """Whether the settings that something reads can be used; if not, `check_settings` says so."""
    try:
        read(conf)
    except ConfigurationError:
        return False
    return True
