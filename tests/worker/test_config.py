from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from session_store import Config, ConfigurationError
from worker.config import WorkerConfig


def test_without_a_word_everything_is_as_documented():
    assert WorkerConfig.from_env({}) == WorkerConfig(
        store=Config(), audit_log=Path("audit.jsonl"), set_flags=True, http=("127.0.0.1", 9110)
    )


def test_what_is_empty_keeps_its_default_but_for_the_page_which_it_switches_off():
    names = ("WIKI_AUDIT_LOG", "WIKI_SET_FLAGS", "WIKI_WORKER_HTTP", "WIKI_REDIS_URL")
    assert WorkerConfig.from_env(dict.fromkeys(names, "")) == WorkerConfig(store=Config(), http=None)


def test_every_setting_is_read():
    config = WorkerConfig.from_env(
        {
            "WIKI_REDIS_URL": "redis://there:7000/3",
            "WIKI_REDIS_PREFIX": "club",
            "WIKI_AUDIT_LOG": "/var/log/a b.jsonl",
            "WIKI_SET_FLAGS": "no",
            "WIKI_WORKER_HTTP": "0.0.0.0:80",
        }
    )
    assert (config.store.redis_url, config.store.redis_prefix) == ("redis://there:7000/3", "club")
    assert config.audit_log == Path("/var/log/a b.jsonl")
    assert config.set_flags is False
    assert config.http == ("0.0.0.0", 80)  # noqa: S104 - it is only read here


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("localhost:1", ("localhost", 1)),
        ("[::1]:9110", ("::1", 9110)),
        ("::1:9110", ("::1", 9110)),
        ("127.0.0.1:65535", ("127.0.0.1", 65535)),
        ("127.0.0.1:0", ("127.0.0.1", 0)),
    ],
)
def test_an_address_is_host_and_port(text, address):
    assert WorkerConfig.from_env({"WIKI_WORKER_HTTP": text}).http == address


@pytest.mark.parametrize(
    "text", ["9110", ":9110", "host:", "host:65536", "host:-1", "host:x", "host: 1", "host:1²", " "]
)
def test_what_is_no_address_is_refused_by_name(text):
    with pytest.raises(ConfigurationError, match="WIKI_WORKER_HTTP"):
        WorkerConfig.from_env({"WIKI_WORKER_HTTP": text})


@given(st.text(max_size=12))
def test_any_text_is_an_address_or_refused(text):
    for candidate in (text, f"host:{text}"):
        try:
            http = WorkerConfig.from_env({"WIKI_WORKER_HTTP": candidate}).http
        except ConfigurationError:
            continue
        assert http is None or (http[0] and 0 <= http[1] <= 65535)


@pytest.mark.parametrize(
    ("text", "truth"),
    [
        ("1", True),
        ("true", True),
        ("Yes", True),
        ("ON", True),
        ("0", False),
        ("false", False),
        ("No", False),
        ("off", False),
    ],
)
def test_truth_is_said_in_several_ways(text, truth):
    assert WorkerConfig.from_env({"WIKI_SET_FLAGS": text}).set_flags is truth


@pytest.mark.parametrize("text", ["perhaps", "2", "tru", " yes"])
def test_what_is_neither_true_nor_false_is_refused_by_name(text):
    with pytest.raises(ConfigurationError, match="WIKI_SET_FLAGS"):
        WorkerConfig.from_env({"WIKI_SET_FLAGS": text})


def test_a_password_is_not_shown():
    config = WorkerConfig.from_env({"WIKI_REDIS_URL": "redis://:secret-word@there/0"})
    assert "secret-word" not in repr(config)
