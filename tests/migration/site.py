"""A site while it comes over: ``python -m tests.migration.site PORT DIRECTORY REDIS_URL WIKI_URL OLD NEW SETTINGS``.

OLD and NEW say (``yes``, ``no``) whether the code of 2012 and `django_hooks` are installed; SETTINGS are those that the
document gives, as JSON.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from werkzeug.serving import run_simple

urlpatterns: list[Any] = []


def who(request: HttpRequest) -> HttpResponse:
    """Say who is logged in on the site."""
    return HttpResponse(request.user.get_username() or "nobody")


def log_in(request: HttpRequest) -> HttpResponse:
    """Log in."""
    from django.contrib.auth import authenticate, login

    user = authenticate(request, username=request.POST["username"], password=request.POST["password"])
    assert user is not None
    login(request, user)
    return who(request)


def log_out(request: HttpRequest) -> HttpResponse:
    """Log out."""
    from django.contrib.auth import logout

    logout(request)
    return who(request)


def main() -> None:
    """Serve until killed."""
    port, place, redis_url, wiki_url, old, new, given = sys.argv[1:]
    hooks = ["django_hooks"] if new == "yes" else []
    settings.configure(
        SECRET_KEY="only for tests",
        ALLOWED_HOSTS=["localhost", "127.0.0.1"],
        ROOT_URLCONF=__name__,
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": Path(place) / "site.sqlite3"}},
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", *hooks],
        MIDDLEWARE=[
            *(["tests.migration.old_way.middleware"] if old == "yes" else []),
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            *(["django_hooks.middleware.WikiMiddleware"] if hooks else []),
        ],
        WIKI_REDIS_URL=redis_url,
        WIKI_URL=wiki_url,
        TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}],
        **json.loads(given),
    )
    django.setup()
    call_command("migrate", verbosity=0)
    _run(int(port), old=old == "yes", new=bool(hooks))


def _run(port: int, *, old: bool, new: bool) -> None:
    from django.contrib.auth.models import User
    from django.contrib.auth.signals import user_logged_in, user_logged_out

    from tests.migration import old_way

    if old:
        user_logged_in.connect(old_way.on_login)
        user_logged_out.connect(old_way.on_logout)
    for name in ("anna", "bert", "cleo", "dirk"):
        if not User.objects.filter(username=name).exists():
            User.objects.create_user(name, f"{name}@example.org", "surf")
    urlpatterns[:] = [path("", who), path("login/", log_in), path("logout/", log_out)]
    if new:
        urlpatterns.append(path("sso/", include("django_hooks.urls")))
    run_simple("127.0.0.1", port, get_wsgi_application(), threaded=True)


if __name__ == "__main__":
    main()
