from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

import pytest

import session_store
from session_store.scripts import Call, load

TEXTS = {path.name.removesuffix(".lua"): path.read_text() for path in files("session_store.lua").iterdir()
         if path.name.endswith(".lua")}  # fmt: skip
VERBS = sorted(name for name in TEXTS if not name.startswith("_"))
FRAGMENTS = sorted(set(TEXTS) - set(VERBS))
SOURCES = "\n".join(path.read_text() for path in Path(session_store.__file__).parent.glob("*.py"))


def header(name: str) -> str:
    """Return the comment that a script begins with, without the line that names its fragments."""
    lines = [line for line in TEXTS[name].split("\n") if not line.startswith("--! ")]
    count = next(i for i, line in enumerate(lines) if not line.startswith("--"))
    return "\n".join(lines[:count])


def fragments_of(name: str) -> list[str]:
    """Return what a script's first line names."""
    first = TEXTS[name].split("\n", 1)[0]
    return first.removeprefix("--! ").split() if first.startswith("--! ") else []


def described(name: str, what: str) -> str:
    """Return what a header says of KEYS or ARGV."""
    found = re.search(rf"^-- {what}\s+(.*(?:\n--  .*)*)", header(name), re.MULTILINE)
    return found[1] if found else ""


def test_there_are_scripts():
    assert {"open", "read", "check", "renew", "end", "due"} <= set(VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_a_header_says_what_for_and_what_is_returned(verb):
    assert re.match(r"-- [A-Z].*\.|-- [A-Z].*[:;]", header(verb))
    assert re.search(r"^-- Returns \S", header(verb), re.MULTILINE)


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("what", ["KEYS", "ARGV"])
def test_a_header_numbers_what_the_script_is_given(verb, what):
    body = TEXTS[verb].removeprefix(header(verb))
    used = {int(number) for number in re.findall(rf"\b{what}\[(\d+)\]", body)}
    numbered = {int(number) for number in re.findall(r"(?<!\S)(\d+) ", described(verb, what))}
    assert used <= numbered
    assert numbered == set(range(1, len(numbered) + 1))
    assert bool(described(verb, what)) == bool(re.search(rf"\b{what}\b", body))


@pytest.mark.parametrize("fragment", FRAGMENTS)
def test_a_fragment_begins_with_what_it_defines(fragment):
    defined = re.findall(r"^local function (\w+)", TEXTS[fragment], re.MULTILINE)
    assert defined
    assert all(re.search(rf"^-- {function}[({{]", TEXTS[fragment], re.MULTILINE) for function in defined)
    users = [name for name in TEXTS if fragment in fragments_of(name)]
    own = re.sub(r"^(--|local function ).*", "", TEXTS[fragment], flags=re.MULTILINE)
    for function in defined:
        assert any(re.search(rf"\b{function}\b", text) for text in [own, *map(TEXTS.get, users)]), (
            f"nobody uses {function}"
        )
    for name in users:
        assert re.search(rf"\b({'|'.join(defined)})\b", TEXTS[name]), f"{name} names it without need"


@pytest.mark.parametrize("verb", VERBS)
def test_a_script_names_every_fragment_that_it_uses(verb):
    source, defined = load(verb).source, {}
    for name in FRAGMENTS:
        defined |= dict.fromkeys(re.findall(r"^local function (\w+)", TEXTS[name], re.MULTILINE), name)
    used = {name for function, name in defined.items() if re.search(rf"\b{function}[({{]", source)}
    assert used <= set(fragments_of(verb))


@pytest.mark.parametrize("verb", VERBS)
def test_every_script_is_loaded_by_a_verb(verb):
    assert f'load("{verb}")' in SOURCES


def test_every_script_that_a_verb_loads_is_there():
    assert set(re.findall(r'load\("(\w+)"\)', SOURCES)) == set(VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_the_server_compiles_a_script_and_knows_it_by_the_same_name(raw, verb):
    assert raw.script_load(load(verb).source) == load(verb).sha


@pytest.mark.parametrize("verb", VERBS)
def test_a_script_stands_below_its_fragments(verb):
    source = load(verb).source
    places = [source.index(TEXTS[name]) for name in [*fragments_of(verb), verb]]
    assert places == sorted(places)


@pytest.mark.parametrize("verb", VERBS)
def test_no_script_takes_the_time_or_a_key_from_elsewhere(verb):
    source = load(verb).source
    assert "os.time" not in source
    assert not re.search(r"'[^'\n]*:(session|sessions|records|ended|audit|user|readers)\b", source)


def test_a_call_is_spelt_for_a_server_that_knows_the_script_and_for_one_that_does_not():
    call = Call(load("read"), ["a", "b"], ["sid", 5], list)
    assert call.words == ("EVALSHA", load("read").sha, 2, "a", "b", "sid", 5)
    assert call.words_with_source == ("EVAL", load("read").source, 2, "a", "b", "sid", 5)
