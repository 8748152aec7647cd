"""The wiki's side: MoinMoin believes the site's cookie, and only while Redis knows it."""

from .auth import ExternalCookie

__all__ = ["ExternalCookie"]
