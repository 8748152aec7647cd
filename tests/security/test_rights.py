"""Site, wiki and worker under their ACL users, with the default user off: each can do its work, and nothing else."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial

import pytest
import redis

from session_store import StoreUnavailable
from tests.security import walks
from tests.servers import password_of, server_binary, version_of
from worker import acl
from worker.rights import ALL, EVERYBODY, Rights

WALKS = {"wiki-site": walks.site, "wiki-wiki": walks.wiki, "wiki-worker": walks.worker}


def refused(admin: redis.Redis) -> list[str]:
    """Return what Redis has refused to one of the three; the worker asks for CONFIG, and does without."""
    lines = [f"{entry['username']} {entry['object']}" for entry in admin.acl_log()]
    return [line for line in lines if line.startswith("wiki-") and "config" not in line]


@pytest.mark.parametrize("user", WALKS)
def test_each_can_do_its_work(scene, store_of, admin, user):
    WALKS[user](store_of(user), scene)
    assert refused(admin) == []


def set_rights(rights: Rights, admin: redis.Redis) -> None:
    """Give a user these rights and no others."""
    selectors = version_of(server_binary()) >= (7, 0)
    rules = (acl.with_selectors if selectors else acl.without_selectors)(rights, "sso", 0)
    fresh = ("reset", "resetchannels", "on", f">{password_of(rights.user)}")
    admin.execute_command("ACL", "SETUSER", rights.user, *fresh, *words(rules))


def words(rules: Iterable[str]) -> Iterator[str]:
    """Return rules word by word; a selector is one."""
    for rule in rules:
        yield from [rule] if rule.startswith("(") else rule.split()


def granted() -> Iterator[tuple[str, Rights, Callable[[redis.Redis], object]]]:
    """Return each single right that the three have, with what takes it away."""
    for rights in ALL:
        for one in f"{EVERYBODY} {rights.commands}".split():
            if "acl" not in one:  # those are for `wiki-worker check`
                yield f"{rights.user} {one}", rights, partial(take, rights, one)
        if version_of(server_binary()) >= (7, 0):  # before, a command is granted for all keys
            for kind, commands in rights.keys.items():
                for one in commands.split():
                    yield f"{rights.user} {one} {kind}", rights, partial(set_rights, without(rights, kind, one))


def take(rights: Rights, command: str, admin: redis.Redis) -> None:
    """Take a command that needs no key."""
    admin.execute_command("ACL", "SETUSER", rights.user, f"-{command}")


def without(rights: Rights, kind: str, command: str) -> Rights:
    """Return the rights without one command for one kind of key."""
    left = [one for one in rights.keys[kind].split() if one != command]
    return replace(rights, keys={**rights.keys, kind: " ".join(left)})


@pytest.mark.parametrize("right", list(granted()), ids=lambda right: right[0])
def test_no_right_is_superfluous(scene, store_of, admin, right):
    _, rights, take_away = right
    take_away(admin)
    try:
        with contextlib.suppress(StoreUnavailable, AssertionError, redis.RedisError):
            store_of(rights.user).command("PING")
            WALKS[rights.user](store_of(rights.user), scene)
        assert refused(admin)
    finally:
        set_rights(rights, admin)
