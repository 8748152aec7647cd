"""Who was reported lately by this process, so that most requests write nothing."""

from __future__ import annotations

from functools import cache

from django.core.signals import setting_changed

from session_store.recent import Recent

from .options import options

#: Seconds between two times that a process tidies up, where no worker does.
TIDY = 15.0

_tidied = Recent(seconds=TIDY, most=1)


@cache
def reported() -> Recent:
    """Return the process's memory of who was reported."""
    return Recent(seconds=options().interval)


@cache
def asked() -> Recent:
    """Return the process's memory of the browsers whose user was asked for; apart, as anybody can make up browsers."""
    return Recent(seconds=options().interval)


def tidying_is_due() -> bool:
    """Whether this process is to tidy up; True once in a while."""
    return _tidied.claim("tidy")


def forget_all(**_: object) -> None:
    """Begin anew, as a new process would."""
    reported.cache_clear()
    asked.cache_clear()
    _tidied.forget("tidy")


setting_changed.connect(forget_all, dispatch_uid="django_hooks.whos_online.forget_all")
