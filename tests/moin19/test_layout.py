"""What moin19.py repeats, because it stands alone, says what the kernel and the wiki of MoinMoin 2 say."""

from __future__ import annotations

import json
import subprocess
import sys
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import pytest

from moin_auth.config import NAMES
from moin_auth.names import name_key
from moin_auth.places import clean
from session_store import Config, make_nonce, make_token, parse_token, token_in_header
from session_store.keys import ShardKeys
from session_store.scripts import load
from tests.moin19.wikis import ROOT, python19

TOKENS = [make_token(b"secret", make_nonce(), 0, shard).value for shard in (0, 7, 42, 9999)]
HEADERS = [f"a=b; wiki_session={token}; c" for token in TOKENS] + [
    "",
    f"wiki_session={TOKENS[0]}; wiki_session={TOKENS[1]}",
    f"wiki_session={TOKENS[0]}; wiki_session={TOKENS[0]}",
    f"wiki_session={TOKENS[0]}\n",
    f"wiki_session = {TOKENS[0]} ",
    f"xwiki_session={TOKENS[0]}",
    "wiki_session=00." + "A" * 43,
    "wiki_session=12345." + "A" * 43,
    "wiki_session=0." + "A" * 44,
    "wiki_session=\u0661." + "A" * 43,
]
USERS = ["1", "42", "büro", "O'Brien", "a b@C", "\uff53ally", "Straße", "\u03a3\u0391\u03a3", "x" * 300, "日本"]
ADDRESSES = ["/", "/Home?a=b", "//evil", "/\\evil", "/a/../b", "/%2e%2E/x", "http://evil", "", "/ü", "/a\n", "/x" * 501]
TEXTS = ["sally#s@example.org#abc", "büro#b@example.org#abc", 'quo"ted#\\#x', "plain"]


@pytest.fixture(scope="module")
def says() -> dict[str, Any]:
    """Ask moin19.py in its own interpreter."""
    cookies = [SimpleCookie({"c": text})["c"].coded_value for text in TEXTS]
    asked = {
        "prefix": "sso",
        "headers": HEADERS,
        "valid": TOKENS,
        "names": ["session:x", "sessions", "records", "ended", "audit"],
        "users": USERS,
        "addresses": ADDRESSES,
        "cookies": cookies,
    }
    command = [python19(), str(ROOT / "tests" / "moin19" / "says.py")]
    done = subprocess.run(command, input=json.dumps(asked), capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_it_finds_the_same_tokens(says) -> None:
    found = [token_in_header(header, "wiki_session") for header in HEADERS]
    assert says["tokens"] == [token.value if token else None for token in found]
    tokens = [parse_token(value) for value in TOKENS]
    assert says["sids"] == [token.sid for token in tokens]
    assert says["shards"] == [token.shard for token in tokens]
    assert says["logout keys"] == [token.logout_key for token in tokens]


def test_it_spells_the_same_keys(says) -> None:
    keys = ShardKeys("sso", 3)
    assert says["keys"] == [keys.session("x"), keys.sessions, keys.records, keys.ended, keys.audit]
    assert says["users"] == [keys.users(user) for user in USERS]


def test_it_calls_the_scripts_that_the_site_has_put_there(says) -> None:
    assert says["scripts"] == [load("check").sha, load("end").sha]


def test_it_leads_back_to_the_same_addresses_and_tells_the_same_names_apart(says) -> None:
    assert says["addresses"] == [clean(address) for address in ADDRESSES]
    assert says["name keys"] == [name_key(name) for name in USERS]


def test_it_has_the_same_settings(says) -> None:
    # It links nowhere to the account's page.
    expected = {name: variable for name, variable in NAMES.items() if name != "account_url"}
    assert expected == {name: words[0] for name, words in says["settings"].items()}
    defaults = dict(says["settings"].values())
    assert Config.from_env(defaults) == Config()


def test_it_reads_cookies_as_django_writes_them(says) -> None:
    assert says["cookies"] == TEXTS


def test_python_2_7_can_run_it() -> None:
    files = [str(ROOT / "moin_auth" / name) for name in ("__init__.py", "moin19.py")]
    done = subprocess.run(
        [str(Path(sys.executable).with_name("vermin")), "--target=2.7-", "--violations", "--no-tips", *files],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
