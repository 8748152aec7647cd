"""In a wiki of MoinMoin 1.9, a profile belongs to the site's user id, and a name to who had it first."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from session_store import Person
from tests.moin19.wikis import Wiki


@pytest.fixture(scope="module")
def wiki(make_wiki) -> Wiki:
    return make_wiki(users=[["old", "old@example.org", "surfsurf"]])


@pytest.fixture(scope="module")
def adopting(make_wiki) -> Wiki:
    return make_wiki(
        users=[["old", "old@example.org", "surfsurf"], ["Older", "older@example.org", "surfsurf"]],
        method={"adopt_existing": True, "bind": {"Boss": "7"}},
        config={"superuser": ["Boss"], "acl_rights_before": "Keeper:admin"},
    )


def profiles_of(wiki: Wiki, user_id: str) -> list[dict[str, str]]:
    return [profile for profile in wiki.profiles() if profile.get("site_user_id") == user_id]


def test_who_is_renamed_keeps_his_profile_and_his_former_name(wiki, store, log_in) -> None:
    reader = wiki.reader(log_in("anna", "10", email="a@example.org", display_name="Anna A."))
    assert reader.name() == "anna"
    (before,) = profiles_of(wiki, "10")
    assert (before["name"], before["email"], before["aliasname"]) == ("anna", "a@example.org", "Anna A.")
    store.update_user(Person("10", "annette", "new@example.org"))
    assert reader.name() == "annette"
    (after,) = profiles_of(wiki, "10")
    assert (after["id"], after["name"], after["email"], after["aliasname"]) == (
        before["id"],
        "annette",
        "new@example.org",
        "",
    )
    assert sorted(after["site_name_id[]"].split("\t")) == ["anna", "annette"]
    assert wiki.reader(log_in("Anna", "11")).name() is None
    assert profiles_of(wiki, "11") == []


@pytest.mark.parametrize(
    "name", ["old", "OLD", "All", "Known", "trusted", "EditorGroup", "a/b", "a:b", "1.2.3.4", "a\u2028b"]
)
def test_a_name_that_is_somebody_elses_or_a_rules_is_refused(name, wiki, log_in) -> None:
    assert wiki.reader(log_in(name, "20")).name() is None
    assert profiles_of(wiki, "20") == []


def test_two_first_requests_at_once_make_one_profile_and_two_users_do_not_share_a_name(wiki, log_in) -> None:
    cookies = [log_in("bob", "30") for _ in range(3)] + [log_in("Bob", "31") for _ in range(3)]
    with ThreadPoolExecutor(6) as pool:
        names = list(pool.map(lambda cookie: wiki.reader(cookie).name(), cookies))
    assert set(names[:3]) | set(names[3:]) in ({"bob", None}, {"Bob", None})
    assert len(profiles_of(wiki, "30")) + len(profiles_of(wiki, "31")) == 1


def test_no_form_changes_what_the_site_says_and_no_line_becomes_two(wiki, log_in) -> None:
    reader = wiki.reader(log_in("carla", "40", email="c@example.org"))
    assert reader.name() == "carla"
    page = reader.get("/Home?action=userprefs&sub=prefs").text
    (field,) = re.findall(r'<input[^>]*name="name"[^>]*>', page, re.IGNORECASE)
    assert "disabled" in field
    form = {
        "action": "userprefs",
        "handler": "prefs",
        "save": "Save",
        "ticket": re.search(r'name="ticket" value="([^"]+)"', page)[1],
        "name": "Admin",
        "email": "other@example.org",
        "aliasname": "Admin",
        "quicklinks": "Good\u2028site_user_id=1\u2028name=Admin",
        "css_url": "x\x85site_user_id=1",
        "edit_rows": "33",
        "site_user_id": "1",
    }
    (profile,) = profiles_of(wiki, "40")
    assert reader.post("/Home", form).status in {200, 404}
    keys = [line.partition("=")[0] for line in (wiki.place / "data" / "user" / profile["id"]).read_text().splitlines()]
    assert len(keys) == len(set(keys)), keys
    assert reader.name() == "carla"
    (profile,) = profiles_of(wiki, "40")
    assert (profile["name"], profile["email"], profile["aliasname"]) == ("carla", "c@example.org", "")
    assert profile["edit_rows"] == "33"


def test_a_profile_that_lies_about_its_owner_is_not_believed(wiki, log_in) -> None:
    assert wiki.reader(log_in("dora", "50")).name() == "dora"
    (dora,) = profiles_of(wiki, "50")
    assert wiki.reader(log_in("eve", "51")).name() == "eve"
    (eve,) = profiles_of(wiki, "51")
    file = wiki.place / "data" / "user" / eve["id"]
    file.write_text(file.read_text().replace("site_user_id=51", "site_user_id=50").replace("name=eve", "name=dora"))
    assert wiki.reader(log_in("dora", "50")).name() == "dora"
    assert wiki.reader(log_in("eve", "51")).name() == "eve"
    (still,) = profiles_of(wiki, "50")
    assert still["id"] == dora["id"]


def test_an_account_of_the_wikis_own_is_taken_over_once_by_who_has_exactly_its_name(adopting, log_in) -> None:
    assert adopting.reader(log_in("OLD", "60")).name() is None
    assert adopting.reader(log_in("old", "61")).name() == "old"
    (taken,) = profiles_of(adopting, "61")
    assert taken.get("enc_password", "") == ""
    assert adopting.reader(log_in("old", "62")).name() is None
    assert adopting.reader(log_in("renamed", "63")).name() == "renamed"
    assert "now belongs to the site's user 61" in adopting.said


def test_a_name_with_rights_is_its_owners_alone(adopting, log_in) -> None:
    for name, user_id in (("Boss", "70"), ("boss", "71"), ("Keeper", "72")):
        assert adopting.reader(log_in(name, user_id)).name() is None
    assert "bind=" in adopting.said
    assert adopting.reader(log_in("Boss", "7")).name() == "Boss"


def test_a_disabled_profile_is_nobody_and_its_name_nobody_elses(wiki, log_in) -> None:
    assert wiki.reader(log_in("frank", "80")).name() == "frank"
    (frank,) = profiles_of(wiki, "80")
    file = wiki.place / "data" / "user" / frank["id"]
    file.write_text(file.read_text().replace("disabled=0", "disabled=1"))
    assert wiki.reader(log_in("frank", "80")).name() is None
    assert wiki.reader(log_in("Frank", "81")).name() is None


def test_the_next_reader_in_a_browser_finds_nothing_of_the_one_before(wiki, log_in) -> None:
    reader = wiki.reader(log_in("gina", "90"))
    wiki.write("SecretPage", "hidden")
    reader.get("/SecretPage")
    assert "SecretPage" in reader.get("/Home").text
    reader.site_cookie = log_in("hugo", "91")
    assert "SecretPage" not in reader.get("/Home").text
    reader.site_cookie = None
    assert "SecretPage" not in reader.get("/Home").text
