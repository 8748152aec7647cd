"""Who's online: the members who were here lately, by name, and how many guests.

`django_hooks.middleware.WhosOnlineMiddleware` does it; the functions here are for sites that want to do it themselves.
"""

from .functions import (
    apresence_calls,
    forget_user,
    get_guests_online,
    get_online,
    get_users_online,
    hide_user,
    presence_calls,
    report_guest,
    report_user,
    show_user,
    tick,
)
from .listing import Entry, Listing, get_whos_online

__all__ = [
    "Entry",
    "Listing",
    "apresence_calls",
    "forget_user",
    "get_guests_online",
    "get_online",
    "get_users_online",
    "get_whos_online",
    "hide_user",
    "presence_calls",
    "report_guest",
    "report_user",
    "show_user",
    "tick",
]
