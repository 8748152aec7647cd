"""A profile belongs to a user id of the site, never to a name."""

from __future__ import annotations

import pytest
from moin.constants.keys import DISABLED, DISPLAY_NAME, EMAIL, NAME
from moin.user import User, create_user, search_users

from moin_auth.profiles import OWNER


def test_a_first_visit_makes_a_profile_that_follows_the_site(wiki, people):
    wiki.name(wiki.reader(people("sally", email="s@example.org", display_name="Sally Surf")))
    (profile,) = wiki.profiles()
    assert profile[NAME] == ["sally"]
    assert profile[EMAIL] == "s@example.org"
    assert profile[DISPLAY_NAME] == "Sally Surf"
    assert profile[OWNER] == "1"


def test_without_autocreate_a_stranger_stays_anonymous(make_wiki, people):
    wiki = make_wiki(autocreate=False)
    assert wiki.name(wiki.reader(people())) is None
    assert wiki.profiles() == []


def test_a_second_visit_writes_nothing(wiki, people):
    reader = wiki.reader(people())
    wiki.name(reader)
    wiki.name(reader)
    before = wiki.profiles()
    wiki.name(reader)
    assert wiki.profiles() == before


def test_a_rename_on_the_site_renames_the_same_profile(wiki, people):
    wiki.name(wiki.reader(people("sally")))
    (before,) = wiki.profiles()
    assert wiki.name(wiki.reader(people("susan", email="new@example.org"))) == "susan"
    (after,) = wiki.profiles()
    assert after["itemid"] == before["itemid"]
    assert after[NAME] == ["susan"]
    assert after[EMAIL] == "new@example.org"


def test_two_users_never_share_a_profile(wiki, people, caplog):
    wiki.name(wiki.reader(people("sally", user_id="1")))
    assert wiki.name(wiki.reader(people("sally", user_id="2"))) is None
    assert len(wiki.profiles()) == 1
    assert "has or had this name" in caplog.text


def test_an_account_of_the_wikis_own_is_not_taken_over(wiki, people, caplog):
    with wiki.app.test_request_context("/"):
        create_user("sally", "Xiwejr622!", "old@example.org")
    assert wiki.name(wiki.reader(people("sally"))) is None
    (profile,) = wiki.profiles()
    assert OWNER not in profile
    assert "rename one of the two" in caplog.text


def test_an_alias_of_another_profile_is_not_taken(wiki, people):
    wiki.name(wiki.reader(people("harry", user_id="2")))
    with wiki.app.test_request_context("/"):
        harry = User(uid=search_users(**{OWNER: "2"})[0].meta["itemid"])
        harry.profile[NAME] = ["harry", "sally"]
        harry.save()
    assert wiki.name(wiki.reader(people("sally", user_id="1"))) is None


@pytest.mark.parametrize(
    "name", ["All", "known", "Trusted", "anonymous", "EditorsGroup", "a+b@example.org", "a:b", " x"]
)
def test_a_name_with_a_meaning_of_its_own_is_refused(wiki, people, caplog, name):
    assert wiki.name(wiki.reader(people(name))) is None
    assert wiki.profiles() == []
    assert "stays anonymous" in caplog.text


def test_a_profile_disabled_in_the_wiki_is_anonymous_there(wiki, people):
    token = people()
    wiki.name(wiki.reader(token))
    with wiki.app.test_request_context("/"):
        sally = User(uid=search_users(**{OWNER: "1"})[0].meta["itemid"])
        sally.profile[DISABLED] = True
        sally.save()
    assert wiki.name(wiki.reader(token)) is None


def test_a_new_user_may_edit_in_the_very_first_request(wiki, people):
    assert wiki.may_edit(wiki.reader(people()))
