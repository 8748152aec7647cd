"""The app asks for no particular kind of user, and for no particular database."""

from __future__ import annotations

import os
import subprocess
import sys


def test_a_site_with_users_of_its_own_kind_in_a_database_of_their_own(redis_server):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "tests.django_hooks.custom_site"],
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.django_hooks.custom_site.settings",
            "WIKI_REDIS_URL": redis_server.url,
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
