"""The app speaks German and French: every text is translated, and what is shipped is what was translated."""

from __future__ import annotations

import re

import pytest
from django.utils import translation

from .catalogues import LANGUAGES, Message, messages, read, shipped, texts_in, to_binary

PLACES = re.compile(r"%\((\w+)\)[sd]")


def texts(message: Message | list[str]) -> list[str]:
    return [message] if isinstance(message, str) else list(message)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_in_the_catalogue_and_no_other(language):
    found = {message.id for message in read(language) if message.id}
    assert found == set(messages()), "run: make messages"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_translated_and_none_is_a_guess(language):
    for message in read(language):
        assert all(texts(message.string)), message.id
        assert not message.fuzzy, message.id


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_says_the_same_things(language):
    for message in read(language):
        for text in texts(message.string) if message.id else []:
            assert set(PLACES.findall(text)) == set(PLACES.findall(texts(message.id)[-1])), message.id
            assert text == text.strip(), message.id


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_shipped_is_what_was_translated(language):
    assert texts_in(shipped(language)) == texts_in(to_binary(read(language))), "run: make messages"


def test_a_reader_is_spoken_to_in_that_language(browser):
    browser.log_in()
    with translation.override("de"):
        assert "<h1>Meine Sitzungen</h1>" in browser.get_text("/sso/sessions/")
    with translation.override("fr"):
        assert "<h1>Mes sessions</h1>" in browser.get_text("/sso/sessions/")
