"""Groups of the site's count in the wiki's access rules, where the wiki's configuration says which stands for which."""

from __future__ import annotations

import time

import pytest

from moin_auth import ExternalCookie
from session_store import ConfigurationError, Person

ACL = "EditorGroup:read,write,create All:"


def may_read(reader) -> bool:
    status = reader.get("/Plans").status_code
    assert status in {200, 403}
    return status == 200


@pytest.fixture(scope="module")
def wiki(make_lasting_wiki):
    wiki = make_lasting_wiki(acl=ACL, groups={"Wiki editors": "EditorGroup"})
    wiki.put("Plans", "secret", "")
    return wiki


def test_who_is_in_a_group_on_the_site_has_its_rights_until_he_leaves_it(wiki, people, store) -> None:
    token = people("anna", user_id="1", groups=("Wiki editors",))
    editor, other = wiki.reader(token), wiki.reader(people("bert", user_id="2", groups=("Something else",)))
    assert may_read(editor)
    assert not may_read(other)
    assert not may_read(wiki.reader())
    store.update_user(Person("1", "anna"))
    assert not may_read(editor)


def test_a_feed_that_was_made_for_a_member_of_a_group_is_not_for_who_has_left_it(make_wiki, people, store) -> None:
    wiki = make_wiki(groups={"Wiki editors": "EditorGroup"})
    now = int(time.time())
    wiki.put("Budget", "hush money", "EditorGroup:read All:", mtime=now)
    wiki.put("News", "read all about it", "All:read", mtime=now + 99)
    reader = wiki.reader(people("gina", user_id="7", groups=("Wiki editors",)))
    assert "hush money" in reader.get("/+feed/atom").text
    store.update_user(Person("7", "gina"))
    text = reader.get("/+feed/atom").text
    assert "read all about it" in text
    assert "hush money" not in text


def test_a_groups_name_gives_nothing_by_itself(wiki, people) -> None:
    assert not may_read(wiki.reader(people("cleo", user_id="3", groups=("EditorGroup", "All"))))


def test_without_the_option_no_group_of_the_sites_counts(make_wiki, people) -> None:
    wiki = make_wiki(acl=ACL)
    wiki.put("Plans", "secret", "")
    assert not may_read(wiki.reader(people("anna", groups=("EditorGroup", "Wiki editors"))))


def test_the_wikis_own_group_of_that_name_keeps_its_members(wiki, people) -> None:
    dora = wiki.reader(people("dora", user_id="4"))
    assert not may_read(dora)
    wiki.put("EditorGroup", "", "All:read", usergroup=["dora"])
    assert may_read(dora)
    assert may_read(wiki.reader(people("emil", user_id="5", groups=("Wiki editors",))))


@pytest.mark.parametrize("groups", [["EditorGroup"], {"Editors": 1}, {"": "x"}, "x"])
def test_what_is_no_mapping_of_names_is_refused(groups) -> None:
    with pytest.raises(ConfigurationError, match="groups"):
        ExternalCookie(groups=groups)
