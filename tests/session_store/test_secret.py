from __future__ import annotations

import hiredis
import pytest

from session_store.secret import Secret

WORD = Secret("hunter2")


@pytest.mark.parametrize(
    "shown",
    [repr(WORD), str(WORD), f"{WORD}", f"{WORD!r:>30}", "%s" % WORD, "%r" % [WORD], repr({"a": (WORD,)})],  # noqa: UP031
)
def test_whatever_shows_it_does_not_show_it(shown):
    assert "hunter2" not in shown
    assert "…" in shown


def test_code_uses_it_as_the_text_that_it_is():
    assert WORD == "hunter2"
    assert {WORD: 1}["hunter2"] == 1
    assert WORD.encode() == b"hunter2"
    assert WORD[:3] == "hun"
    assert str.join("", [WORD, "!"]) == "hunter2!"
    assert hiredis.pack_command(("AUTH", WORD)) == hiredis.pack_command(("AUTH", "hunter2"))


def test_it_reveals_itself_when_asked():
    assert type(WORD.reveal()) is str
    assert f"{WORD.reveal()}" == "hunter2"


def test_it_can_be_wrapped_again():
    assert Secret(WORD) == "hunter2"
