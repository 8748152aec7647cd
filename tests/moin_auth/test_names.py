"""Which names a profile may have."""

from __future__ import annotations

from copy import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st
from moin.datastructures import ConfigGroups

from moin_auth import ExternalCookie
from moin_auth.names import name_key
from session_store import ConfigurationError


def wide(name: str) -> str:
    """Return a name in full-width letters, which read the same."""
    return "".join(chr(ord(letter) + 0xFEE0) for letter in name)


REFUSED = [
    *("All", "known", "Trusted", "DEFAULT", "anonymous", wide("All")),
    *("EditorsGroup", "editorsgroup", "surfers"),  # by MoinMoin's pattern, by a look, by the wiki's configuration
    *("a+b@example.org", "a:b", "a,b", " x", "x ", "a  b", "+x", "a/b", "@", "''", "127.0.0.1"),
]
SUPERUSER = "sally:superuser EditorsGroup:superuser"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("sally", "SALLY"),
        ("ﬁona", "fiona"),  # a ligature
        (wide("sally"), "sally"),
        ("straße", "STRASSE"),
        ("é", "é"),  # composed or not
        ("Sally Surf", "sallysurf"),
        ("o'brien", "OBrien"),
    ],
)
def test_names_that_read_the_same_are_the_same(one, other):
    assert name_key(one) == name_key(other)


@given(st.text(max_size=20))
def test_the_key_of_a_key_is_itself(name):
    assert name_key(name_key(name)) == name_key(name)


def test_a_name_that_means_something_else_is_refused_with_one_line(make_wiki, people, caplog):
    wiki = make_wiki(config={"groups": lambda _: ConfigGroups({"surfers": ["harry"]})})
    for user_id, name in enumerate(REFUSED):
        reader = wiki.reader(people(name, user_id=str(user_id)))
        assert [wiki.name(reader), wiki.name(reader)] == [None, None], name
    lines = [record.message for record in caplog.records if "stays anonymous" in record.message]
    assert [repr(name) in line for name, line in zip(REFUSED, lines, strict=True)] == [True] * len(REFUSED)
    assert wiki.profiles() == []


def test_a_name_with_rights_in_the_configuration_is_refused(make_wiki, people, caplog):
    wiki = make_wiki(config={"acl_functions": SUPERUSER})
    for user_id, name in enumerate(["sally", "SALLY", wide("Sally")]):
        assert wiki.name(wiki.reader(people(name, user_id=str(user_id)))) is None, name
    assert caplog.text.count("bind=") == 3


def test_a_name_with_rights_to_a_namespace_is_refused(make_wiki, people):
    wiki = make_wiki(acl="harry:read,write,admin")
    assert wiki.name(wiki.reader(people("harry"))) is None
    assert wiki.name(wiki.reader(people("sally"))) == "sally"


@pytest.mark.parametrize("groups", ["configured", "pages"])
def test_a_name_in_a_group_with_rights_in_the_configuration_is_not_for_newcomers(make_wiki, people, groups):
    config = {"acl_functions": "AdminGroup:superuser"}
    if groups == "configured":
        config["groups"] = lambda _: ConfigGroups({"AdminGroup": ["sally"], "FriendsGroup": ["harry"]})
    wiki = make_wiki(config=config, bind={"susan": 3})
    if groups == "pages":
        wiki.put("AdminGroup", "", "All:read", usergroup=["sally", "susan"])
        wiki.put("FriendsGroup", "", "All:read", usergroup=["harry"])
    assert wiki.name(wiki.reader(people("sally", user_id="1"))) is None
    assert wiki.name(wiki.reader(people("harry", user_id="2"))) == "harry"
    assert wiki.name(wiki.reader(people("susan", user_id="3"))) == "susan"


def test_who_is_there_already_can_be_put_into_a_group_with_rights(make_wiki, people):
    wiki = make_wiki(config={"acl_functions": "AdminGroup:superuser"})
    sally = wiki.reader(people("sally"))
    assert wiki.name(sally) == "sally"
    wiki.put("AdminGroup", "", "All:read", usergroup=["sally"])
    assert sally.get("/+admin/superuser").status_code == 200
    assert wiki.name(wiki.reader(people("sally", email="new@example.org"))) == "sally"


@pytest.mark.parametrize("user_id", [1, "1"])
def test_a_bound_name_is_its_users_alone(make_wiki, people, user_id):
    wiki = make_wiki(config={"acl_functions": SUPERUSER}, bind={"sally": user_id})
    assert wiki.name(wiki.reader(people("sally", user_id="2"))) is None
    sally = wiki.reader(people("sally", user_id="1"))
    assert wiki.name(sally) == "sally"
    assert sally.get("/+admin/superuser").status_code == 200


def test_a_profile_that_is_there_already_gets_no_rights_by_a_line_in_the_configuration(make_wiki, people):
    wiki = make_wiki()
    sally = wiki.reader(people("sally"))
    assert wiki.name(sally) == "sally"
    wiki.app.cfg = copy(wiki.app.cfg)  # as at the wiki's next start
    wiki.app.cfg.acl_functions = SUPERUSER
    assert wiki.name(sally) is None


def test_site_names_can_be_mapped(make_wiki, people):
    wiki = make_wiki(wiki_name=lambda name: name.partition("@")[0].replace("+", "."))
    assert wiki.name(wiki.reader(people("a+b@example.org"))) == "a.b"
    assert wiki.name(wiki.reader(people("a.b@example.org", user_id="2"))) is None


def test_what_a_mapping_returns_can_still_be_refused(make_wiki, people):
    answers = ["", None, 7, b"sally", "All", "a:b"]
    wiki = make_wiki(wiki_name=lambda name: answers[int(name)])
    for number in range(len(answers)):
        assert wiki.name(wiki.reader(people(str(number)))) is None, answers[number]


def test_a_mapping_that_fails_lets_nobody_in(make_wiki, people, caplog):
    wiki = make_wiki(wiki_name=lambda name: {}[name])
    assert wiki.name(wiki.reader(people())) is None
    assert "wiki_name failed" in caplog.text


@pytest.mark.parametrize(
    "options",
    [{"wiki_name": "lower"}, {"bind": {"sally": None}}, {"bind": {1: "sally"}}, {"bind": {"sally": 1, "Sally": 2}}],
)
def test_options_that_cant_be_used_are_named(options):
    with pytest.raises(ConfigurationError, match=next(iter(options))):
        ExternalCookie(**options)
