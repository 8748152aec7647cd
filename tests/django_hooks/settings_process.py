"""The site that the tests run in processes of their own: where its servers are is in the environment."""

import json
import os
from pathlib import Path

from django_hooks.signals import session_ended, session_started

from .settings import *  # noqa: F403 - what is not said here is as there

DATABASES = {"default": json.loads(os.environ["TEST_DATABASE"])}
if DATABASES["default"]["ENGINE"].endswith("mysql"):
    import pymysql

    pymysql.install_as_MySQLdb()
WIKI_REDIS_URL = os.environ["TEST_REDIS"]
WIKI_REDIS_TIMEOUT = float(os.environ.get("TEST_REDIS_TIMEOUT", "0.5"))


def hear(event_id: str, **_: object) -> None:
    """Write down what was told, so that a killed process can be asked."""
    with Path(os.environ["TEST_HEARD"]).open("a") as file:
        file.write(event_id + "\n")


if "TEST_HEARD" in os.environ:
    session_started.connect(hear)
    session_ended.connect(hear)
