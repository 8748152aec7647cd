"""A site with users of its own kind, in a database of their own."""

import os

from tests.django_hooks.settings import *  # noqa: F403
from tests.django_hooks.settings import INSTALLED_APPS

# The admin's own log points at users, which it can't do from one database to another.
ADMIN = {"django.contrib.admin", "django.contrib.messages"}
INSTALLED_APPS = [*(app for app in INSTALLED_APPS if app not in ADMIN), "tests.django_hooks.custom_site"]
ROOT_URLCONF = "tests.django_hooks.custom_site.urls"
AUTH_USER_MODEL = "custom_site.Member"
DATABASES = {
    alias: {"ENGINE": "django.db.backends.sqlite3", "NAME": f"file:{alias}?mode=memory&cache=shared"}
    for alias in ("default", "people")
}
DATABASE_ROUTERS = ["tests.django_hooks.custom_site.models.Router"]
WIKI_REDIS_URL = os.environ.get("WIKI_REDIS_URL", "redis://localhost")
WIKI_REDIS_TIMEOUT = 10
