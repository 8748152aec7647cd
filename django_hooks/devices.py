"""What a user agent says of the device and the browser, in words for people."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from django.utils.translation import gettext as _
from ua_parser import parse

#: Characters of a user agent that are read, and of a word from it that is shown: it may be anything.
LONGEST, LONGEST_WORD = 512, 40

_COMPUTERS = {"Chrome OS", "FreeBSD", "Linux", "Mac OS X", "NetBSD", "OpenBSD", "Ubuntu", "Windows"}
_NAMES = {"Chrome OS": "ChromeOS", "Mac OS X": "macOS", "HeadlessChrome": "Chrome"}

#: What is left of browsers' names: a phone is a phone without that.
_MOBILE = re.compile(r"^Mobile | Mobile\b| iOS$| WebView$")


@dataclass(frozen=True)
class Device:
    """What a session was opened with; texts are empty where the user agent does not say.

    Attributes:
        browser: with its main version, ``Firefox 132``.
        system: without a version, as browsers no longer tell the true one.
        model: of a phone or tablet.
        kind: ``computer``, ``phone``, ``tablet`` or ``other``.
    """

    browser: str = ""
    system: str = ""
    model: str = ""
    kind: str = "other"

    def __str__(self) -> str:
        """Say it in the reader's language."""
        if self.browser and self.system:
            return _("%(browser)s on %(system)s") % {"browser": self.browser, "system": self.system}
        return self.browser or self.system or _("Unknown browser")


@lru_cache(maxsize=2000)
def read_device(user_agent: str) -> Device:
    """Return what a user agent says."""
    text = user_agent[:LONGEST]
    found = parse(text)
    browser, system, device = found.user_agent, found.os, found.device
    name = _word(_MOBILE.sub("", browser.family)) if browser else ""
    model = device.model if device and device.brand and not device.brand.startswith("Generic") else None
    kind = _kind(system.family if system else "", text)
    return Device(
        browser=f"{name} {_word(browser.major)}" if browser and name and browser.major else name,
        system="iPadOS" if "iPad" in text and kind == "tablet" else _word(system.family) if system else "",
        model=_word(model or "") if kind in {"phone", "tablet"} else "",
        kind=kind,
    )


def _kind(system: str, text: str) -> str:
    if system in _COMPUTERS:
        return "computer"
    if system in {"Android", "iOS"}:
        return "phone" if "Mobile" in text and "iPad" not in text else "tablet"
    return "other"


def _word(text: str) -> str:
    text = _NAMES.get(text, text)
    return "".join(letter for letter in text if letter.isprintable())[:LONGEST_WORD].strip()
