"""A MoinMoin around the auth method: ``python -m benchmarks.wiki URL CALLS`` prints what it takes, as JSON."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask import Flask
from moin import user as moins
from moin.app import create_app_ext, destroy_app
from moin.config import AclConfig, IndexStorageConfig
from moin.config.default import DefaultConfig
from moin.storage import create_simple_mapping

from moin_auth import ExternalCookie
from session_store import Config as StoreConfig
from session_store import Person, Store, make_nonce, make_token

from .spread import median

HOUR = 3_600_000


class Stopwatch:
    """Adds up the time that is spent in some functions, µs."""

    def __init__(self) -> None:
        self.total = 0.0
        self._inside = False

    def around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function, timed where it is not called from within another that is."""

        def timed(*words: Any, **more: Any) -> Any:
            if self._inside:
                return function(*words, **more)
            self._inside, start = True, time.perf_counter_ns()
            try:
                return function(*words, **more)
            finally:
                self.total += (time.perf_counter_ns() - start) / 1000
                self._inside = False

        return timed


def measure(url: str, calls: int, directory: str) -> dict[str, float]:
    """Return medians in µs: the whole, moin's share of it, and the store's check alone."""
    store, token = Store(StoreConfig(redis_url=url, redis_timeout=10)), make_token(b"secret", make_nonce(), 1, 0)
    assert store.open(token, Person("1", "sally", "sally@example.org"), age=HOUR).lives
    method, watch = ExternalCookie(redis_url=url, redis_timeout=10, autocreate=True), Stopwatch()
    app = _app(Path(directory), method)
    # Each in a class of moin's: what it takes to make a user and to load the profile is not ours.
    moins.User.__init__ = watch.around(moins.User.__init__)
    moins.UserProfile.load = watch.around(moins.UserProfile.load)
    whole, own, read = [], [], []
    try:
        for number in range(calls // 4 + 20):
            with app.test_request_context("/", headers={"Cookie": f"wiki_session={token.value}"}):
                watch.total, start = 0.0, time.perf_counter_ns()
                user, _ = method.request(None)
                took = (time.perf_counter_ns() - start) / 1000
            assert user is not None
            start = time.perf_counter_ns()
            assert store.read(token)
            if number >= 20:
                read.append((time.perf_counter_ns() - start) / 1000)
                whole.append(took)
                own.append(watch.total)
    finally:
        destroy_app(app)
    # What is ours is taken off call by call: moin's share varies more than ours is long.
    return {
        "request": median([w - o for w, o in zip(whole, own, strict=True)]) + median(own),
        "moin": median(own),
        "read": median(read),
    }


def _app(place: Path, method: ExternalCookie) -> Flask:
    acl = AclConfig(before="", default="Known:read,write,create All:read", after="", hierarchic=False)
    namespaces, backends, acls = create_simple_mapping("stores:memory:", acl)

    class Wiki(DefaultConfig):
        wikiconfig_dir = instance_dir = str(place)
        data_dir = str(place / "data")
        wiki_local_dir = str(place / "local")
        index_storage = IndexStorageConfig(name="FileStorage", args=(str(place / "index"),), kwargs={})
        default_root, interwikiname, email_tracebacks = "Home", "Wiki", False
        interwiki_map = {"Self": "http://localhost/", "Wiki": "http://localhost/"}  # noqa: RUF012 - moin's way
        namespace_mapping, backend_mapping, acl_mapping = namespaces, backends, acls
        create_backend = destroy_backend = True
        auth = [method]  # noqa: RUF012 - moin's way

    return create_app_ext(flask_config_dict={"SECRET_KEY": "only for this measurement"}, moin_config_class=Wiki)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        sys.stdout.write(json.dumps(measure(sys.argv[1], int(sys.argv[2]), made)) + "\n")
