"""The wiki's side: MoinMoin believes the site's cookie, and only while Redis knows it.

`ExternalCookie` is for MoinMoin 2; `moin_auth.moin19` has the one for 1.9, which Python 2.7 must be able to import.
"""

MYPY = False  # type checkers take it for true

if MYPY:
    from .auth import ExternalCookie

__all__ = ["ExternalCookie"]


def __getattr__(name):
    """Import what needs MoinMoin 2 when it is asked for."""
    if name != "ExternalCookie":
        raise AttributeError("module 'moin_auth' has no attribute %r" % name)
    from .auth import ExternalCookie

    return ExternalCookie
