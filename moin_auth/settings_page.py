"""The wiki's settings: what the site says of a user is shown there and can't be changed, whatever is posted."""

from __future__ import annotations

from typing import Any

from flask import Flask, Response, request
from moin import flaskg
from moin.constants.keys import (
    CSS_FILE,
    DISPLAY_NAME,
    EDIT_ROWS,
    EMAIL,
    EMAIL_UNVALIDATED,
    ENC_PASSWORD,
    NAME,
    RECOVERPASS_KEY,
    RESULTS_PER_PAGE,
)
from moin.user import UserProfile
from werkzeug.datastructures import ImmutableMultiDict

from . import reader
from .door import Doorkeeper
from .pages import before_views, page
from .places import Places
from .profiles import NAME_KEYS, OWNER

#: What no form of the wiki's changes in the profile of one of the site's users.
LOCKED = frozenset(
    {NAME, DISPLAY_NAME, EMAIL, EMAIL_UNVALIDATED, ENC_PASSWORD, RECOVERPASS_KEY, CSS_FILE, OWNER, NAME_KEYS}
)

#: The parts of the settings that are open.
PARTS = frozenset({"personal", "ui", "quicklinks", "options", "subscriptions"})

#: Where a wiki makes, mails or confirms what belongs to the site: accounts, passwords, addresses.
FORMS_OF_THE_SITE = frozenset(
    {
        "frontend.register",
        "frontend.verifyemail",
        "frontend.lostpass",
        "frontend.recoverpass",
        "admin.register_new_user",
        "admin.mail_recovery_token",
    }
)


class SettingsPage(Doorkeeper):
    """Keeps forms from what belongs to the site.

    Args:
        places: where the site is.
        account_url: the site's page where people change what belongs to it; empty: the site's first page.
    """

    def __init__(self, places: Places, account_url: str = "") -> None:
        self._home = places.home if places.site_url else ""
        self._account_url = account_url or self._home

    def prepare(self, app: Flask) -> None:
        """Stand before the views, and tell templates where the site is."""
        app.jinja_env.globals["external_cookie_user"] = reader.is_of_the_site
        app.jinja_env.globals["external_cookie_site"] = self._home
        app.jinja_env.globals["external_cookie_account"] = self._account_url
        before_views(app, self._answer)

    def _answer(self) -> Response | None:
        if request.endpoint in FORMS_OF_THE_SITE:
            return page("off.html", status=403)
        if request.endpoint != "frontend.usersettings" or not reader.is_of_the_site():
            return None
        if request.method == "POST":
            if request.form.get("part") not in PARTS:
                return page("off.html", status=403)
            request.form = _form_with_what_is_locked()
        flaskg.user.profile = OpenProfile(flaskg.user.profile)
        return None


class OpenProfile(UserProfile):  # type: ignore[misc] # moin has no types
    """A profile whose locked fields stay what they are."""

    def __init__(self, profile: UserProfile) -> None:
        self.__dict__.update(vars(profile))  # the same profile, loaded once

    def __setitem__(self, name: str, value: Any) -> None:
        if name not in LOCKED:
            super().__setitem__(name, value)

    def __delitem__(self, name: str) -> None:
        if name not in LOCKED:
            super().__delitem__(name)


def _form_with_what_is_locked() -> ImmutableMultiDict[str, str]:
    """Return the form with the fields that MoinMoin's checks ask for: one that is merely missing is a 500 there."""
    fields = {name: request.form.getlist(name) for name in request.form if name not in LOCKED}
    numbers = {name: [str(flaskg.user.profile[name])] for name in (EDIT_ROWS, RESULTS_PER_PAGE)}
    fixed = {NAME: [", ".join(flaskg.user.name)], DISPLAY_NAME: [""], CSS_FILE: [""]}
    return ImmutableMultiDict({**numbers, **fields, **fixed})
