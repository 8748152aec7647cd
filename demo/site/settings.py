"""The site's settings; those of the wiki log-in are at the end."""

from __future__ import annotations

import os
from pathlib import Path

HERE = Path(__file__).resolve().parent
VAR = Path(os.environ["DEMO_VAR"])

SECRET_KEY = (VAR / "secrets" / "site").read_text()
DEBUG = False
ALLOWED_HOSTS = ["localhost", "127.0.0.1"]

ROOT_URLCONF = "demo.site.urls"
WSGI_APPLICATION = "demo.site.wsgi.application"

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "demo.site.one_host.OneHostMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [HERE / "templates"],
        "APP_DIRS": True,  # for the pages of django_hooks, which our templates dress
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "demo.site.context.places",
            ],
        },
    },
]

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": VAR / "site.sqlite3",
        "OPTIONS": {
            "init_command": "PRAGMA journal_mode=WAL",  # readers don't wait for the one who writes
            "transaction_mode": "IMMEDIATE",  # and writers wait for each other instead of failing
        },
    },
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "home"

TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "static/"
STATICFILES_DIRS = [HERE / "static"]
WHITENOISE_USE_FINDERS = True  # a handful of files: served from where they are, nothing to collect

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)-7s %(name)s: %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
}

# One log-in for this site and the wiki.

INSTALLED_APPS += ["django_hooks"]
MIDDLEWARE.insert(
    MIDDLEWARE.index("django.contrib.auth.middleware.AuthenticationMiddleware") + 1,
    "django_hooks.middleware.WikiMiddleware",
)

WIKI_REDIS_URL = os.environ["WIKI_REDIS_URL"]
WIKI_REDIS_PREFIX = os.environ.get("WIKI_REDIS_PREFIX") or "sso"
WIKI_REDIS_SHARDS = int(os.environ["WIKI_REDIS_SHARDS"])
WIKI_COOKIE_AGE = int(os.environ["WIKI_COOKIE_AGE"])
WIKI_URL = os.environ["WIKI_URL"]
WIKI_SESSIONS_PASSWORD_AGE = 300

# Who's online, on the front page.

MIDDLEWARE.append("django_hooks.middleware.WhosOnlineMiddleware")

#: Shown on the page about it; the worker writes it.
AUDIT_LOG = Path(os.environ["WIKI_AUDIT_LOG"])
