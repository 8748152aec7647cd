"""What happens at once when somebody logs in or out, or is deleted; only where the middleware counts visitors."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.conf import settings
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.db import transaction
from django.db.models.signals import post_delete
from django.dispatch import receiver

from ..people import user_id
from .functions import forget_id, forget_user
from .options import is_installed
from .visitors import ARRIVED


@receiver(user_logged_in, dispatch_uid="django_hooks.whos_online.note_arrival")
def note_arrival(request: Any = None, **_: Any) -> None:
    """Have the response to a log-in report it, whoever was reported lately."""
    if request is not None:
        # Django REST framework hands out a wrapper.
        setattr(getattr(request, "_request", request), ARRIVED, True)


@receiver(user_logged_out, dispatch_uid="django_hooks.whos_online.note_leaving")
def note_leaving(request: Any = None, user: Any = None, **_: Any) -> None:
    """Take whoever logs out off the list."""
    if request is not None:
        setattr(getattr(request, "_request", request), ARRIVED, False)
    if user is not None and is_installed():
        forget_user(user)


@receiver(post_delete, sender=settings.AUTH_USER_MODEL, dispatch_uid="django_hooks.whos_online.note_deletion")
def note_deletion(instance: Any, using: str, **_: Any) -> None:
    """Take whoever is deleted off the list, once that is certain; by then the user has no primary key any more."""
    if is_installed():
        transaction.on_commit(partial(forget_id, user_id(instance)), using=using, robust=True)
