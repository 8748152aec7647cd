"""The settings of Django's own tests, with our app and middleware added to what they always install."""

import os

from test_sqlite import *  # noqa: F403 - Django's tests have it beside them

import __main__ as runtests

# Django's runner sets these lists after it has read this module, so they are added to where they stand.
runtests.ALWAYS_INSTALLED_APPS.append("django_hooks")
runtests.ALWAYS_MIDDLEWARE.append("django_hooks.middleware.WikiMiddleware")

WIKI_REDIS_URL = os.environ["TEST_REDIS"]
WIKI_REDIS_PREFIX = os.environ["TEST_PREFIX"]
# No test of Django's waits for Redis; a busy machine may.
WIKI_REDIS_TIMEOUT = 10.0
