"""Why sessions end, in words for people."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from session_store import Reason

REASONS: dict[str, str | Promise] = {
    Reason.LOGOUT: gettext_lazy("Logged out"),
    Reason.EXPIRED: gettext_lazy("Its time was over"),
    Reason.IDLE: gettext_lazy("Not used for too long"),
    Reason.REPLACED: gettext_lazy("Logged in again in the same browser"),
    Reason.REVOKED: gettext_lazy("Ended by hand"),
    Reason.PASSWORD_CHANGE: gettext_lazy("The password was changed"),
    Reason.ACCOUNT_DISABLED: gettext_lazy("The account was disabled"),
    Reason.LIMIT: gettext_lazy("Too many sessions at once"),
    Reason.EVICTED: gettext_lazy("The server ran out of memory"),
    Reason.DELETED: gettext_lazy("Deleted on the server"),
    Reason.LOST: gettext_lazy("Lost by the server"),
}


def say_why(reason: str, *, user_id: str = "", actor: str = "") -> str:
    """Return the reason in the reader's language; one that is not known here as it is.

    Args:
        reason: a `Reason`, or one of a later version.
        user_id: whose session it was, and who reads this.
        actor: who ended it.
    """
    if reason == Reason.REVOKED and actor and user_id:
        return _("Ended by you") if actor == user_id else _("Ended by an administrator")
    return str(REASONS.get(reason, reason))
