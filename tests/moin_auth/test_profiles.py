"""A profile belongs to a user id of the site, never to a name."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from moin.constants.keys import DISABLED, DISPLAY_NAME, EMAIL, NAME
from moin.user import create_user, search_users
from moin.utils.crypto import generate_token, valid_token

from moin_auth import claims, profiles, refusals
from moin_auth.profiles import OWNER
from tests.wait import wait_until


def let_refusals_pass(monkeypatch):
    later = time.monotonic() + refusals.SECONDS
    monkeypatch.setattr(refusals, "time", SimpleNamespace(monotonic=lambda: later))


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


def test_what_a_user_has_made_stays_with_a_rename(wiki, people):
    reader = wiki.reader(people("sally"))
    wiki.write(reader, "Home", "hello")
    reader.get("/+subscribe/Home")
    reader.get("/+bookmark?time=1700000000")
    reader = wiki.reader(people("susan"))
    assert wiki.name(reader) == "susan"
    (profile,) = wiki.profiles()
    assert profile["subscriptions"] == [f"itemid:{wiki.meta('Home')['itemid']}"]
    assert profile["bookmarks"] == {"TestWiki": 1700000000}
    assert wiki.meta("Home")["userid"] == profile["itemid"]
    assert "susan" in reader.get("/+history/Home").text


def test_a_former_name_belongs_to_its_first_profile_for_good(wiki, people):
    wiki.name(wiki.reader(people("sally", user_id="1")))
    assert wiki.name(wiki.reader(people("susan", user_id="1"))) == "susan"
    assert wiki.name(wiki.reader(people("sally", user_id="2"))) is None
    assert wiki.name(wiki.reader(people("Sally", user_id="3"))) is None
    assert wiki.name(wiki.reader(people("sally", user_id="1"))) == "sally"


def test_a_former_name_can_be_given_away_by_the_operator(make_wiki, people):
    wiki = make_wiki(bind={"sally": 2})
    wiki.make_profile("1", ["susan"], ["sally", "susan"])
    assert wiki.name(wiki.reader(people("sally", user_id="2"))) == "sally"
    assert wiki.name(wiki.reader(people("sally", user_id="1"))) is None
    assert wiki.name(wiki.reader(people("susan", user_id="1"))) == "susan"


def test_a_name_in_use_is_not_given_away(make_wiki, people):
    wiki = make_wiki(bind={"sally": 2})
    wiki.make_profile("1", ["sally"], ["sally"])
    assert wiki.name(wiki.reader(people("sally", user_id="2"))) is None


def test_two_users_who_swap_names_are_refused_until_that_is_settled(wiki, people):
    wiki.name(wiki.reader(people("sally", user_id="1")))
    wiki.name(wiki.reader(people("harry", user_id="2")))
    one, two = wiki.reader(people("harry", user_id="1")), wiki.reader(people("sally", user_id="2"))
    assert [wiki.name(one), wiki.name(two), wiki.name(one)] == [None, None, None]
    assert sorted(profile[NAME] for profile in wiki.profiles()) == [["harry"], ["sally"]]
    assert wiki.name(wiki.reader(people("sally", user_id="1"))) == "sally"
    assert wiki.name(wiki.reader(people("henry", user_id="2"))) == "henry"


def test_a_user_who_was_refused_is_let_in_once_the_name_is_free(wiki, people, monkeypatch):
    harry = wiki.make_profile("2", ["harry", "sally"], [])
    reader = wiki.reader(people("sally", user_id="1"))
    assert wiki.name(reader) is None
    wiki.change(harry, **{NAME: ["harry"]})
    let_refusals_pass(monkeypatch)
    assert wiki.name(reader) == "sally"


def test_who_is_refused_has_the_wiki_look_through_no_profiles(make_wiki, people, monkeypatch):
    looks = []
    monkeypatch.setattr(profiles, "search_users", lambda **query: looks.append(query) or search_users(**query))
    wiki = make_wiki()
    assert wiki.name(wiki.reader(people("sally"))) == "sally"
    looks.clear()
    assert wiki.name(wiki.reader(people("Sally", user_id="2"))) is None
    strict = make_wiki(autocreate=False)
    assert strict.name(strict.reader(people("harry", user_id="3"))) is None
    assert looks == [{profiles.NAME_KEYS: "sally"}]


def test_an_account_of_the_wikis_own_is_not_taken_over(wiki, people, caplog):
    with wiki.app.test_request_context("/"):
        create_user("Sally", "Xiwejr622!", "old@example.org")
    assert wiki.name(wiki.reader(people("sally"))) is None
    (profile,) = wiki.profiles()
    assert OWNER not in profile
    assert "rename one of the two" in caplog.text


def test_an_alias_of_another_profile_is_not_taken(wiki, people):
    wiki.name(wiki.reader(people("harry", user_id="2")))
    wiki.change(wiki.profiles()[0]["itemid"], **{NAME: ["harry", "sally"]})
    assert wiki.name(wiki.reader(people("sally", user_id="1"))) is None
    assert wiki.name(wiki.reader(people("harry", user_id="2"))) == "harry"
    assert wiki.profiles()[0][NAME] == ["harry"]


def test_an_account_is_taken_over_once_where_that_is_asked_for(make_wiki, people, caplog):
    wiki = make_wiki(adopt_existing=True)
    with wiki.app.test_request_context("/"):
        create_user("sally", "Xiwejr622!", "old@example.org", subscriptions=["name::Home"])
    (before,) = wiki.profiles()
    assert wiki.name(wiki.reader(people("sally", email="new@example.org"))) == "sally"
    (after,) = wiki.profiles()
    assert (after["itemid"], after["subscriptions"]) == (before["itemid"], ["name::Home"])
    assert (after[OWNER], after[EMAIL], after["enc_password"]) == ("1", "new@example.org", "")
    assert after["session_token"] != before.get("session_token")
    assert caplog.text.count("now belongs to the site's user 1") == 1
    assert wiki.name(wiki.reader(people("sally", user_id="2"))) is None


def test_a_name_that_somebody_squats_later_is_still_its_owners(wiki, people):
    assert wiki.name(wiki.reader(people("sally"))) == "sally"
    wiki.make_profile(None, ["harry", "sally"], [])
    assert wiki.name(wiki.reader(people("sally", email="new@example.org"))) == "sally"


@pytest.mark.parametrize("names", [["sally", "sal"], ["Sally"]])
def test_an_account_is_not_taken_over_where_it_may_be_somebody_elses(make_wiki, people, names):
    wiki = make_wiki(adopt_existing=True)
    wiki.make_profile(None, names, [])
    assert wiki.name(wiki.reader(people("sally"))) is None
    assert OWNER not in wiki.profiles()[0]


def test_an_account_is_not_taken_over_for_a_user_who_has_a_profile(make_wiki, people):
    wiki = make_wiki(adopt_existing=True)
    wiki.make_profile(None, ["sally"], [])
    wiki.name(wiki.reader(people("susan")))
    assert wiki.name(wiki.reader(people("sally"))) is None


def test_a_superusers_account_is_taken_over_only_by_whom_it_is_bound_to(make_wiki, people):
    superuser = {"acl_functions": "sally:superuser"}
    wiki = make_wiki(adopt_existing=True, autocreate=False, config=superuser, bind={"sally": 7})
    wiki.make_profile(None, ["sally"], [])
    assert wiki.name(wiki.reader(people("sally", user_id="1"))) is None
    assert wiki.name(wiki.reader(people("sally", user_id="7"))) == "sally"


def test_without_autocreate_known_accounts_alone_come_in(make_wiki, people):
    wiki = make_wiki(adopt_existing=True, autocreate=False)
    wiki.make_profile(None, ["sally"], [])
    assert wiki.name(wiki.reader(people("harry", user_id="2"))) is None
    assert wiki.name(wiki.reader(people("sally"))) == "sally"


@pytest.mark.parametrize("there", [[], ["Sally"]], ids=["nobody", "another spelling"])
def test_who_was_refused_just_now_is_not_looked_for_among_all_profiles_again(make_wiki, people, monkeypatch, there):
    wiki = make_wiki(adopt_existing=True, autocreate=False)
    if there:
        wiki.make_profile(None, there, [])
    reader, looks, having = wiki.reader(people("sally")), [], profiles._having
    monkeypatch.setattr(profiles, "_having", lambda *words, **more: looks.append(words) or having(*words, **more))
    assert [wiki.name(reader) for _ in range(3)] == [None] * 3
    assert len(looks) == 1
    assert wiki.name(wiki.reader(people("harry", user_id="2"))) is None
    assert len(looks) == 2
    if not there:
        wiki.make_profile(None, ["sally"], [])
        let_refusals_pass(monkeypatch)
        assert wiki.name(reader) == "sally"


def test_refusals_are_remembered_within_bounds(monkeypatch):
    monkeypatch.setattr(refusals, "MOST", 2)
    known = refusals.Refusals()
    for user_id in ("1", "2", "3"):
        known.note(user_id, "sally")
    assert [known.stands(user_id, "sally") for user_id in ("1", "2", "3")] == [False, False, True]


def test_many_first_requests_at_once_make_one_profile(wiki, people):
    wiki.warm_up()
    readers = [wiki.reader(people()) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(wiki.name, readers)) == {"sally"}
    assert len(wiki.profiles()) == 1
    assert wiki.revisions_of(wiki.profiles()[0]["itemid"]) == 1


def test_of_many_users_who_want_one_name_at_once_one_gets_it(wiki, people):
    wiki.warm_up()
    readers = [wiki.reader(people("sally", user_id=str(user_id))) for user_id in range(8)]
    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(wiki.name, readers), key=str) == [None] * 7 + ["sally"]
    assert len(wiki.profiles()) == 1


def test_a_first_request_waits_for_whoever_writes_to_the_index(wiki, people):
    wiki.warm_up()
    first, second = (wiki.reader(people("sally", user_id=user_id)) for user_id in "12")
    other = wiki.app.storage.ix["latest_revs"].writer()
    with ThreadPoolExecutor(2) as pool:
        served = [pool.submit(wiki.name, first)]
        wait_until(lambda: wiki.profiles(idx_name="all_revs"), "the first profile to be stored")
        served.append(pool.submit(wiki.name, second))
        other.cancel()
        assert [each.result() for each in served] == ["sally", None]
    (profile,) = wiki.profiles()
    assert wiki.revisions_of(profile["itemid"]) == 1


def test_a_save_that_fails_halfway_leaves_nothing_beside_the_next(wiki, people, monkeypatch):
    reader = wiki.reader(people("sally"))
    monkeypatch.setattr(claims, "PATIENCE", 0.05)
    other = wiki.app.storage.ix["latest_revs"].writer()
    assert wiki.name(reader) is None
    other.cancel()
    assert wiki.name(reader) == "sally"
    (profile,) = wiki.profiles()
    assert wiki.revisions_of(profile["itemid"]) == 1


def test_the_item_id_is_the_users_and_nobody_can_guess_it(make_wiki, people):
    ids = []
    for secret in ("secret number one", "secret number one", "another secret"):
        wiki = make_wiki(config={"secrets": secret})
        wiki.name(wiki.reader(people("sally")))
        ids.append(wiki.profiles()[0]["itemid"])
    assert ids[0] == ids[1] != ids[2]


def test_a_wiki_that_is_busy_lets_a_new_user_wait_for_the_next_request(wiki, people, monkeypatch, caplog):
    monkeypatch.setattr(claims, "PATIENCE", 0.05)
    reader = wiki.reader(people())
    with wiki.app.app_context(), claims.one_at_a_time():
        assert wiki.name(reader) is None
    assert "busy" in caplog.text
    assert wiki.name(reader) == "sally"


def test_no_text_of_the_site_is_too_odd_for_a_profile(wiki, people):
    odd = "  <b>\x00\x1b[1m\n\u202e" + "ä" * 200
    reader = wiki.reader(people("sally", email=odd, display_name=odd))
    assert wiki.name(reader) == odd.strip()
    assert "<b>\x00" not in reader.get("/+usersettings").text
    assert wiki.profiles()[0][EMAIL] == odd.strip()


def test_a_storage_that_fails_lets_nobody_in(wiki, people, monkeypatch, caplog):
    def fail(self, **_):
        raise OSError("disk on fire")

    monkeypatch.setattr("moin.user.UserProfile.load", fail)
    assert wiki.name(wiki.reader(people())) is None
    assert "disk on fire" in caplog.text


def test_a_profile_disabled_in_the_wiki_is_anonymous_there_until_an_admin_undoes_that(wiki, people, caplog):
    reader = wiki.reader(people())
    wiki.name(reader)
    itemid = wiki.profiles()[0]["itemid"]
    reader.post("/+usersettings", data={"part": "options", "usersettings_options_disabled": "1", "disabled": "1"})
    assert wiki.profiles()[0][DISABLED]
    assert wiki.name(reader) is None
    assert "disabled in the wiki" in caplog.text
    assert wiki.name(wiki.reader(people("susan"))) is None
    wiki.change(itemid, **{DISABLED: False})
    assert wiki.name(reader) == "sally"


def test_nobody_undoes_that_with_a_token_that_everybody_can_make(wiki, people):
    reader = wiki.reader(people())
    wiki.name(reader)
    wiki.change(wiki.profiles()[0]["itemid"], **{DISABLED: True, "email_unvalidated": "evil@example.org"})
    _, token = generate_token("")
    assert not valid_token(wiki.profiles()[0]["recoverpass_key"], token)
    reader.get(f"/+verifyemail?username=sally&token={token}")
    assert wiki.profiles()[0][DISABLED]
    assert wiki.name(reader) is None


def test_a_new_user_may_edit_in_the_very_first_request(wiki, people):
    assert wiki.may_edit(wiki.reader(people()))
