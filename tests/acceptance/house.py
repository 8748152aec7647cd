"""A site and its wiki behind one port, told apart by host or path, as a web server in front of them would.

``python -m tests.acceptance.house PORT DIRECTORY REDIS_URL SITE_URL WIKI_URL COOKIE_DOMAIN``; an empty domain is none.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import django
from django.conf import settings
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from flask import Flask
from werkzeug.serving import run_simple

from tests.servers import as_user

Wsgi = Callable[..., Iterable[bytes]]

LOG_IN = "<form method=post>{% csrf_token %}{{ form }}<button>Log in</button></form>"


def who(request: HttpRequest) -> HttpResponse:
    """Say who is logged in on the site."""
    return HttpResponse(f"<p id=who>{request.user.get_username() or 'nobody'}</p>")


#: What Django finds here once it is set up.
urlpatterns: list[Any] = []


def strict(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Allow pages next to nothing: no scripts, no styles, no form that leads off the site."""

    def answer(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response["Content-Security-Policy"] = "default-src 'none'; form-action 'self'; frame-ancestors 'none'"
        return response

    return answer


def make_site(place: Path, redis_url: str, wiki_url: str, cookie_domain: str, **more: Any) -> Wsgi:
    """Make the site and its one user; `more` are further settings."""
    templates = [("django.template.loaders.locmem.Loader", {"registration/login.html": LOG_IN})]
    settings.configure(
        SECRET_KEY="only for tests",
        ALLOWED_HOSTS=["localhost", ".localhost"],
        ROOT_URLCONF=__name__,
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": place / "site.sqlite3"}},
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "django_hooks",
        ],
        MIDDLEWARE=[
            f"{__name__}.strict",
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django_hooks.middleware.WikiMiddleware",
        ],
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "OPTIONS": {"loaders": [*templates, "django.template.loaders.app_directories.Loader"]},
            }
        ],
        WIKI_REDIS_URL=as_user(redis_url, "wiki-site"),
        WIKI_REDIS_SHARDS=int(os.environ.get("WIKI_REDIS_SHARDS", "1")),
        WIKI_URL=wiki_url,
        WIKI_COOKIE_DOMAIN=cookie_domain or None,
        **more,
    )
    django.setup()
    call_command("migrate", verbosity=0)
    from django.contrib.auth.models import User
    from django.contrib.auth.views import LoginView

    urlpatterns[:] = [
        path("", who),
        path("sso/", include("django_hooks.urls")),
        path("accounts/login/", LoginView.as_view()),
    ]
    User.objects.create_user("sally", "sally@example.org", "surf")
    return get_wsgi_application()


def make_wiki(place: Path, redis_url: str, site_url: str) -> Flask:
    """Make the wiki."""
    from moin_auth import ExternalCookie
    from tests.moin_auth.conftest import make_app

    method = ExternalCookie(autocreate=True, redis_url=as_user(redis_url, "wiki-wiki"), site_url=site_url + "sso/")
    return make_app(place / "wiki", "", {"auth": [method], "content_security_policy": "form-action 'self'"})


def front(site: Wsgi, wiki: Wsgi, wiki_url: str) -> Wsgi:
    """Return what hands each request to the one whose it is."""
    parts = urlsplit(wiki_url)
    prefix = parts.path.rstrip("/")

    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if environ["HTTP_HOST"] != parts.netloc or not (path + "/").startswith(prefix + "/"):
            return site(environ, start_response)
        environ["SCRIPT_NAME"], environ["PATH_INFO"] = prefix, path.removeprefix(prefix)
        return wiki(environ, start_response)

    return app


def main() -> None:
    """Serve until killed."""
    port, place, redis_url, site_url, wiki_url, cookie_domain = sys.argv[1:]
    wiki = make_wiki(Path(place), redis_url, site_url)
    site = make_site(Path(place), redis_url, wiki_url, cookie_domain)
    run_simple("127.0.0.1", int(port), front(site, wiki, wiki_url), threaded=True)


if __name__ == "__main__":
    main()
