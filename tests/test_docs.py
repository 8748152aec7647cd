"""What the documents claim is true today."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from django_hooks import whos_online
from django_hooks.conf import Settings
from django_hooks.whos_online import options as whos_online_options
from moin_auth import ExternalCookie
from moin_auth.config import NAMES
from session_store import Config
from session_store.keys import OnlineKeys, ShardKeys
from session_store.sessions import Reason
from worker.config import WorkerConfig
from worker.work import DRAIN

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def text_of(page: str) -> str:
    return (ROOT / page).read_text()


def names_in(code: object) -> set[str]:
    return set(re.findall(r'"(WIKI_[A-Z_]+)"', inspect.getsource(code)))


def test_the_readme_lists_exactly_the_settings_there_are():
    listed = set(re.findall(r"^\| `(WIKI_[A-Z_]+)`", text_of("README.md"), re.MULTILINE))
    read = names_in(Settings) | names_in(Config) | names_in(WorkerConfig) | set(NAMES.values())
    assert listed == read


def test_the_wikis_page_lists_exactly_the_options_there_are():
    named = {
        name
        for row in re.findall(r"^\| (`[a-z_`, ]+`) \|", text_of("docs/wiki.md"), re.MULTILINE)
        for name in row.split(", ")
    }
    taken = inspect.signature(ExternalCookie).parameters.keys() - {"settings"}
    assert {name.strip("`") for name in named} == taken | NAMES.keys()


def test_the_page_on_who_is_online_lists_exactly_its_settings_and_functions():
    page = text_of("docs/whos-online.md")
    listed = set(re.findall(r"^\| `(WHOS_ONLINE_[A-Z_]+)`", page, re.MULTILINE))
    assert listed == set(re.findall(r'"(WHOS_ONLINE_[A-Z_]+)"', inspect.getsource(whos_online_options)))
    assert len(listed) == len(whos_online_options.READERS)
    named = set(re.findall(r"`(\w+)\(", page))
    assert {name for name in whos_online.__all__ if name.islower()} - {"presence_calls", "apresence_calls"} <= named


def test_every_make_target_that_is_named_exists():
    targets = set(re.findall(r"^([a-z0-9-]+):", text_of("Makefile"), re.MULTILINE))
    for page in PAGES:
        named = set(re.findall(r"^(?:.*`)?make ([a-z0-9-]+)", page.read_text(), re.MULTILINE))
        assert named <= targets, page


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_within_the_project_leads_somewhere(page):
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", page.read_text()):
        assert (page.parent / target).exists(), target


def test_every_reason_is_one_of_the_readmes():
    assert all(f"`{reason}`" in text_of("README.md") for reason in Reason)


def test_every_key_is_in_the_architecture_page():
    keys = ShardKeys("sso", 0)
    page = text_of("docs/architecture.md")
    names = [value for name, value in vars(keys).items() if isinstance(value, str) and not name.startswith("_")]
    assert len(names) > 5
    names += [keys.session("<sid>"), re.sub(r"\d+$", "<n>", keys.users("1")), keys.job("<name>")]
    assert all(f"`{name}`" in page for name in names)


def test_every_key_of_who_is_online_is_in_the_architecture_page():
    keys = OnlineKeys("sso")
    page = text_of("docs/architecture.md")
    names = [value for value in vars(keys).values() if isinstance(value, str)]
    assert len(names) > 5
    assert all(f"`{name}`" in page for name in [*names, keys.guests.seen, keys.guests.full, keys.bots.seen])
    rings = keys.guests.rings
    slices = f"{rings[0][0].removesuffix('0-0')}<0…{len(rings) - 1}>-<0…{len(rings[0]) - 1}>"
    assert f"`{slices}`" in page


def test_supervisor_waits_longer_than_the_worker_needs():
    (seconds,) = re.findall(r"^stopwaitsecs=(\d+)", text_of("conf/wiki-worker.conf"), re.MULTILINE)
    assert int(seconds) > DRAIN


def test_every_check_is_in_the_sites_page():
    source = "".join(path.read_text() for path in (ROOT / "django_hooks" / "checks").glob("*.py"))
    made = set(re.findall(r'id="django_hooks\.([EW]\d+)"', source))
    described = set(re.findall(r"^\| (.*?) \|", text_of("docs/site.md"), re.MULTILINE))
    assert made == {name for cell in described for name in cell.split(", ") if re.fullmatch(r"[EW]\d+", name)}
    assert len(made) > 10
