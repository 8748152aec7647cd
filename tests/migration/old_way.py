"""The set-up of 2012, in its essence: what a site did at log-in and log-out, and the task that cleaned up behind it."""

from __future__ import annotations

import hashlib
import os
import time
import uuid
from collections.abc import Callable
from typing import Any

import redis
from celery import Celery
from django.http import HttpRequest, HttpResponse

#: What the programs of a rehearsal are told by their environment.
REDIS_URL, SET, AGE = "OLD_REDIS_URL", "wiki_cookie_keys", 1_209_600

app = Celery("old_way", broker=os.environ.get(REDIS_URL), backend=None)
app.conf.beat_schedule = {"expire": {"task": "expire_cookies", "schedule": 0.5}}
app.conf.beat_schedule_filename = os.environ.get("OLD_BEAT", "beat")
app.conf.broker_connection_retry_on_startup = True


def _redis() -> redis.Redis:
    return redis.Redis.from_url(os.environ[REDIS_URL])


@app.task(name="expire_cookies")
def expire_cookies() -> None:
    """Remove keys that are too old, and say that it ran."""
    with _redis() as client:
        client.zremrangebyscore(SET, "-inf", time.time() - AGE)
        client.incr("old_way_ran")


def on_login(sender: Any, request: Any, user: Any, **_: Any) -> None:
    """Make a key for who logs in, and have the middleware set the cookie."""
    key = hashlib.sha256(uuid.uuid4().bytes).hexdigest()
    with _redis() as client:
        client.zadd(SET, {key: time.time()})
    request.old_cookie = f"{user.username}#{user.email}#{key}"


def on_logout(sender: Any, request: Any, **_: Any) -> None:
    """Remove the key of who logs out, and have the middleware delete the cookie."""
    from django.conf import settings

    cookie = request.COOKIES.get(settings.OLD_WIKI_COOKIE_NAME, "")
    with _redis() as client:
        client.zrem(SET, cookie.rpartition("#")[2])
    request.old_cookie = ""


def middleware(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Set or delete the cookie."""
    from django.conf import settings

    def answer(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        cookie = getattr(request, "old_cookie", None)
        if cookie:
            response.set_cookie(
                settings.OLD_WIKI_COOKIE_NAME,
                cookie,
                max_age=settings.OLD_WIKI_COOKIE_AGE,
                domain=settings.OLD_WIKI_COOKIE_DOMAIN,
            )
        elif cookie is not None:
            response.delete_cookie(settings.OLD_WIKI_COOKIE_NAME, domain=settings.OLD_WIKI_COOKIE_DOMAIN)
        return response

    return answer
