"""The Lua scripts: one file a verb, put together with the fragments that its first line names."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Generic, TypeVar

import msgspec

T = TypeVar("T")


@dataclass(frozen=True)
class Script:
    """A script's text, and the SHA-1 that Redis knows it by."""

    source: str
    sha: str


class Call(msgspec.Struct, Generic[T], frozen=True):
    """One run of a script: what is sent, and how its answer is read.

    Attributes:
        optional: where Redis refuses it, the others of a round trip go on, and its answer is None.
    """

    script: Script
    keys: Sequence[str]
    arguments: Sequence[str | int | float]
    parse: Callable[[Any], T]
    optional: bool = False

    @property
    def key(self) -> str:
        """By which a cluster's node is found."""
        return self.keys[0]

    @property
    def words(self) -> tuple[str | int | float, ...]:
        """The command for a Redis that knows the script."""
        return ("EVALSHA", self.script.sha, len(self.keys), *self.keys, *self.arguments)

    @property
    def words_with_source(self) -> tuple[str | int | float, ...]:
        """The command for a Redis that doesn't; afterwards it does."""
        return ("EVAL", self.script.source, len(self.keys), *self.keys, *self.arguments)


class Command(msgspec.Struct, Generic[T], frozen=True):
    """One command of Redis' own, where no script is needed.

    Attributes:
        near: for one that takes no key, a key whose node is to run it.
    """

    words: tuple[str | int | float, ...]
    parse: Callable[[Any], T]
    optional: bool = False
    near: str = ""

    @property
    def key(self) -> str:
        """By which a cluster's node is found."""
        return self.near or str(self.words[1])

    @property
    def words_with_source(self) -> tuple[str | int | float, ...]:
        """The same: it needs no script."""
        return self.words


#: What a store can run.
Request = Call[T] | Command[T]


@cache
def load(verb: str) -> Script:
    """Return the script of a verb, as ``lua/<verb>.lua`` has it, below its fragments."""
    text = _text(verb)
    first = text.split("\n", 1)[0]
    names = first.removeprefix("--! ").split() if first.startswith("--! ") else []
    source = "\n".join([*map(_text, names), text])
    # Redis names a script by its SHA-1; nothing here depends on that hash being strong.
    return Script(source, hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest())


def _text(name: str) -> str:
    return files("session_store.lua").joinpath(f"{name}.lua").read_text(encoding="utf-8")
