"""There is no way round the site's log-in."""

from __future__ import annotations

import pytest
from moin.auth import GivenAuth, MoinAuth
from moin.user import create_user

from session_store import ConfigurationError


def test_another_way_to_log_in_is_refused_and_named(make_wiki, store):
    wiki = make_wiki(others=[GivenAuth(user_name="sally", autocreate=True)])
    for _ in range(2):
        with pytest.raises(ConfigurationError, match=r"other ways to log in \(given\).*allow_others=True"):
            wiki.reader().get("/Home")
    assert wiki.profiles() == []


def test_another_way_to_log_in_may_be_allowed(make_wiki, people):
    wiki = make_wiki(others=[MoinAuth()], allow_others=True)
    with wiki.app.test_request_context("/"):
        create_user("harry", "Xiwejr622!", "harry@example.org")
    reader = wiki.reader()
    reader.post("/+login", data={"login_submit": "1", "login_username": "harry", "login_password": "Xiwejr622!"})
    assert wiki.name(reader) == "harry"
    assert wiki.name(wiki.reader(people("sally"))) == "sally"
