"""What a change of a user's account means for the user's sessions in the wiki."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AbstractUser

from .conf import conf
from .entry import may_enter
from .people import profile

#: Written at every log-in, and nothing that the wiki knows.
LAST_LOGIN = frozenset({"last_login"})


@dataclass(frozen=True)
class Change:
    """What has changed.

    Attributes:
        reason: why the user's sessions end; empty: they go on, and their records follow.
        proof: a digest of what the user logs in with, as it was before.
        visible: whether it can be told from the user's own row; else ``WIKI_USER_TEST`` is to be asked once more.
    """

    reason: str = ""
    proof: str = ""
    visible: bool = True


def concerns(model: type[Any], fields: frozenset[str] | None) -> bool:
    """Whether saving those fields of a user may mean anything here; None: all of them."""
    if fields is None:
        return True
    watched = _watched(model)
    return not fields <= LAST_LOGIN and (watched is None or bool(fields & watched))


def change_between(before: Any, after: Any) -> Change | None:
    """Return what has changed between two states of a user; None: nothing that matters."""
    entered, enters = may_enter(before), may_enter(after)
    was, proof = credentials(before), proof_of(before)
    if entered and not enters:
        return Change("account_disabled", proof)
    if was != credentials(after):
        return Change("password_change", proof)
    if profile(before) != profile(after) or entered != enters:
        return Change("", proof)
    return Change(visible=False) if conf.user_test else None


def credentials(user: Any) -> str:
    """Return what Django ties its sessions to: where that changes, all of a user's others are over."""
    if hasattr(user, "get_session_auth_hash"):
        return str(user.get_session_auth_hash())
    return str(getattr(user, "password", ""))


def proof_of(user: Any) -> str:
    """Return a digest of that, to be kept beside a change."""
    return hashlib.sha256(credentials(user).encode()).hexdigest()


def _watched(model: type[Any]) -> frozenset[str] | None:
    """Return the fields that names, addresses and log-ins are made of; None: they may be made of any."""
    if conf.user_test or not issubclass(model, AbstractUser) or _is_overridden(model):
        return None
    return frozenset(
        {model.USERNAME_FIELD, model.get_email_field_name(), "password", "is_active", "first_name", "last_name"}
    )


def _is_overridden(model: type[AbstractUser]) -> bool:
    return (
        model.get_full_name is not AbstractUser.get_full_name
        or model.get_username is not AbstractBaseUser.get_username
        or model.get_session_auth_hash is not AbstractBaseUser.get_session_auth_hash
    )
