"""The built wheel in an empty virtual environment; site and wiki configured by the README's snippets alone."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from session_store import Person, Store, make_nonce, make_token

ROOT = Path(__file__).parents[2]
PACKAGES = ("session_store", "worker", "django_hooks", "moin_auth")

#: Logs a user in through the site's own session machinery and shows the wiki's cookie.
LOG_IN = """
import os, django
os.environ["DJANGO_SETTINGS_MODULE"] = "site_of_mine.settings"
django.setup()
from django.contrib.auth import get_user_model
from django.test import Client
sally = get_user_model().objects.create_user("sally", password="surf")
client = Client(SERVER_NAME="localhost")
client.force_login(sally)
client.get("/admin/login/")
assert b"Log out?" in client.get("/sso/leave/").content
print(client.cookies["wiki_session"].value)
"""

#: Asks the wiki who a cookie makes of its reader.
ASK = """
import sys
from moin.app import create_app
client = create_app("wikiconfig.py").test_client()
client.set_cookie("wiki_session", sys.argv[1], domain="localhost")
print(client.get("/+index").text)
assert "log" in client.get("/+logout").text
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from a copy of the sources, as they would be released."""
    source = tmp_path_factory.mktemp("source")
    for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for name in PACKAGES:
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    run(source, sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--quiet", "-w", ".", ".")
    (built,) = source.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the interpreter of an environment that holds the wheel; what it depends on is lent by this one."""
    place = tmp_path_factory.mktemp("environment")
    run(place, sys.executable, "-m", "venv", "--without-pip", ".")
    interpreter = place / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--python", str(interpreter))
    run(place, *pip, "install", "--quiet", "--no-deps", "--no-index", str(wheel))
    return interpreter


def run(directory: Path, *words: str) -> str:
    """Run a command with this environment's libraries, but not this checkout, and return what it prints."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("WIKI_", "DJANGO_", "PYTHON"))
    }
    environment["PYTHONPATH"] = sysconfig.get_path("purelib")
    done = subprocess.run(
        words, cwd=directory, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, f"{' '.join(words)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def block(first_line: str) -> str:
    """Return the README's code block that begins with a line."""
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    (found,) = (block for block in blocks if block.startswith(first_line + "\n"))
    return found


def snippet(first_line: str, url: str) -> str:
    """Return the README's code block that begins with a line, for another Redis."""
    found = block(first_line)
    assert "redis://localhost:6379/0" in found
    return found.replace("redis://localhost:6379/0", url)


def test_the_wheel_holds_scripts_and_types_and_nothing_of_the_demo(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    ours = {path.relative_to(ROOT).as_posix() for path in (ROOT / "session_store" / "lua").glob("*.lua")}
    ours |= {path.relative_to(ROOT).as_posix() for path in (ROOT / "django_hooks").rglob("*.py")}
    ours |= {path.relative_to(ROOT).as_posix() for side in PACKAGES for path in (ROOT / side).rglob("*.html")}
    assert ours
    assert ours <= set(names)
    assert {f"{package}/py.typed" for package in PACKAGES} <= set(names)
    assert {name.split("/")[0] for name in names if "dist-info" not in name} == set(PACKAGES)


def test_the_wheel_holds_every_module_and_template(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    for package in PACKAGES:
        for pattern in ("*.py", "*.html", "*.css", "*.js", "*.mo"):
            ours = {path.relative_to(ROOT).as_posix() for path in (ROOT / package).rglob(pattern)}
            assert ours <= names


def test_it_is_the_wheel_that_is_tested(python, tmp_path):
    where = run(tmp_path, str(python), "-c", "import session_store; print(session_store.__file__)").strip()
    assert Path(where).is_relative_to(python.parents[1])


def test_the_worker_runs_from_the_wheel(python, redis_server, tmp_path):
    command = python.with_name("wiki-worker")
    environment = {"WIKI_REDIS_URL": redis_server.url, "PYTHONPATH": sysconfig.get_path("purelib")}
    done = subprocess.run(
        [command, "check"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "answers" in done.stdout


def test_the_site_works_by_the_readmes_snippet(python, redis_server, tmp_path, store: Store):
    run(tmp_path, str(python), "-m", "django", "startproject", "site_of_mine", ".")
    with (tmp_path / "site_of_mine" / "settings.py").open("a") as settings:
        settings.write(snippet("# settings.py", redis_server.url))
        settings.write('\nALLOWED_HOSTS = ["localhost", "www.example.org"]\n')
    with (tmp_path / "site_of_mine" / "urls.py").open("a") as urls:
        urls.write(block("# urls.py"))
    assert "no issues" in run(tmp_path, str(python), "manage.py", "check")
    run(tmp_path, str(python), "manage.py", "migrate", "--verbosity=0")
    run(tmp_path, str(python), "-c", LOG_IN)
    (session,) = store.sessions()
    assert session.record.person.name == "sally"


def test_the_wiki_works_by_the_readmes_snippet(python, redis_server, tmp_path, store: Store):
    moin = (str(python), "-c", "from moin.cli import cli; cli()")
    run(tmp_path, *moin, "create-instance", "--path", str(tmp_path))
    add = snippet("# wikiconfig.py", redis_server.url)
    (imports,) = re.findall(r"^from .*$", add, re.MULTILINE)
    (auth,) = re.findall(r"^    auth = \[.*?\]$", add, re.MULTILINE | re.DOTALL)
    config = tmp_path / "wikiconfig.py"
    head = "class Config(DefaultConfig):\n"
    config.write_text(config.read_text().replace(head, f"{imports}\n\n{head}{auth}\n", 1))
    run(tmp_path, *moin, "index-create")
    token = make_token(b"the site's", make_nonce(), 0, 0)
    store.open(token, Person("1", "sally"), age=60_000)
    assert "<span>sally</span>" in run(tmp_path, str(python), "-c", ASK, token.value)
    assert "<span>sally</span>" not in run(tmp_path, str(python), "-c", ASK, "0." + "x" * 43)
