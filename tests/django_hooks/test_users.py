"""Accounts change, and the wiki's sessions follow: at once, after the commit, whoever changed what and how."""

from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core import serializers
from django.db import transaction

from django_hooks.models import PendingEnd
from django_hooks.users import users_changed
from session_store.sessions import Reason

from .conftest import AsyncBrowser, Browser, ends_of, starts_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(params=[Browser, AsyncBrowser], ids=["sync", "async"])
def kind_of_browser(request):
    return request.param


@pytest.fixture
def sally(people):
    return get_user_model().objects.get(username="sally")


def reasons(site):
    assert not PendingEnd.objects.exists(), "what was done is still pending"
    return [reason for _, reason in ends_of(site)]


def end_event(site):
    (fields,) = [f for _, f in site.redis.xrange(site.keys.shards[0].audit) if f[b"action"] == b"end"]
    return {key.decode(): value.decode() for key, value in fields.items()}


def member(user):
    return user.groups.filter(name="wiki").exists()


def broken(user):
    raise ValueError("the site's own test is broken")


def test_whose_password_changes_goes_on_with_another_token_and_is_out_elsewhere(browser, other_browser, site):
    browser.log_in()
    other_browser.log_in()
    token, sid = browser.wiki_cookie, browser.wiki_session.ref.sid
    other = other_browser.wiki_session.ref.sid
    browser.get("/new-password/kept/")
    assert browser.wiki_cookie != token
    assert browser.wiki_name == "sally"
    assert ends_of(site) == [(other, "password_change"), (sid, "replaced")]
    assert other_browser.get_text("/who/") == ""
    assert browser.get_text("/who/") == "sally"
    assert len(starts_of(site)) == 3


def test_a_view_that_forgets_the_session_leaves_nobody_in_the_wiki(browser, site):
    browser.log_in()
    browser.get("/new-password/forgotten/")
    browser.get("/untouched/")
    assert browser.wiki_session is None
    assert site.count() == 0


def test_a_password_that_somebody_else_sets_ends_all(browser, other_browser, site, sally):
    browser.log_in()
    other_browser.log_in()
    sally.set_password("swell")
    sally.save()
    assert reasons(site) == ["password_change"] * 2
    for each in (browser, other_browser):
        assert each.get_text("/who/") == ""


@pytest.mark.parametrize("fields", [None, ["is_active"]])
def test_a_disabled_user_is_out_at_once_and_everywhere(browser, other_browser, site, sally, fields):
    browser.log_in()
    other_browser.log_in()
    sally.is_active = False
    sally.save(update_fields=fields)
    assert reasons(site) == ["account_disabled"] * 2
    assert browser.wiki_session is None
    assert browser.get_text("/who/") == ""


def test_who_disabled_somebody_is_written_down(browser, other_browser, site, people):
    browser.log_in("harry")
    other_browser.log_in("sally")
    browser.get("/disable/sally/")
    event = end_event(site)
    assert (event["reason"], event["actor"]) == ("account_disabled", str(people["harry"].pk))
    assert browser.wiki_name == "harry"


def test_a_deleted_user_is_out_at_once(browser, site, sally):
    browser.log_in()
    sally.delete()
    assert reasons(site) == ["account_disabled"]


def test_users_who_are_deleted_together_are_out_at_once(browser, other_browser, site):
    browser.log_in("sally")
    other_browser.log_in("harry")
    get_user_model().objects.all().delete()
    assert reasons(site) == ["account_disabled"] * 2


def test_a_new_name_and_address_are_in_the_wiki_at_once(browser, site, sally):
    browser.log_in()
    before = browser.wiki_session.record
    sally.username, sally.email, sally.first_name = "sal", "sal@example.org", "Sal"
    sally.save()
    after = browser.wiki_session.record
    assert (after.person.name, after.person.email, after.person.display_name) == ("sal", "sal@example.org", "Sal Surf")
    assert (after.created, after.expires) == (before.created, before.expires)
    assert reasons(site) == []


def test_what_is_rolled_back_has_not_happened(browser, site, sally):
    browser.log_in()
    sally.is_active = False
    with transaction.atomic():
        sally.save()
        transaction.set_rollback(True)
    assert reasons(site) == []
    assert browser.wiki_name == "sally"


def test_nothing_is_done_before_the_commit(browser, site, sally):
    browser.log_in()
    sally.is_active = False
    with transaction.atomic():
        sally.save()
        assert browser.wiki_name == "sally"
    assert browser.wiki_session is None


def test_what_is_not_saved_does_not_count(browser, site, sally):
    browser.log_in()
    sally.is_active = False
    sally.first_name = "Sal"
    sally.save(update_fields=["first_name"])
    assert reasons(site) == []
    assert browser.wiki_session.record.person.display_name == "Sal Surf"


def test_a_stale_copy_counts_for_what_it_brings_about(browser, site, sally):
    browser.log_in()
    stale = get_user_model().objects.get(pk=sally.pk)
    sally.first_name = "Sal"
    sally.save()
    stale.save()  # which undoes it
    assert browser.wiki_session.record.person.display_name == "Sally Surf"


@pytest.mark.parametrize("fields", [["last_login"], ["date_joined"], []])
def test_saving_what_the_wiki_does_not_know_costs_no_query(sally, site, django_assert_num_queries, fields):
    with django_assert_num_queries(len(fields)):
        sally.save(update_fields=fields)


def test_saving_a_user_without_a_change_costs_one_query_and_creating_one_none(sally, site, django_assert_num_queries):
    with django_assert_num_queries(2):
        sally.save()
    with django_assert_num_queries(1):
        get_user_model()(username="moana").save()


def test_users_who_are_changed_in_the_database_alone_are_told_of(browser, other_browser, site, people):
    browser.log_in("sally")
    other_browser.log_in("harry")
    users = get_user_model().objects
    with transaction.atomic():
        users.filter(username="sally").update(is_active=False)
        users.filter(username="harry").update(first_name="Harry")
        users_changed(users.all())
        assert site.count() == 2
    assert reasons(site) == ["account_disabled"]
    assert other_browser.wiki_session.record.person.display_name == "Harry"


def test_users_are_told_of_by_themselves_or_their_keys_and_with_new_passwords(browser, other_browser, site, people):
    browser.log_in("sally")
    other_browser.log_in("harry")
    users_changed([people["sally"], str(people["harry"].pk), 4711, "nonsense"], password=True)
    assert reasons(site) == ["password_change"] * 2


def test_what_is_loaded_from_a_fixture_counts(browser, site, sally):
    browser.log_in()
    sally.is_active = False
    text = serializers.serialize("json", [sally])
    for each in serializers.deserialize("json", text):
        each.save()
    assert reasons(site) == ["account_disabled"]


def test_who_was_disabled_between_log_in_and_opening_is_not_let_in(browser, site):
    browser.post("/enter-and-be-disabled/", {"username": "sally", "password": "surf"})
    assert browser.wiki_cookie is None
    assert site.count() == 0
    assert reasons(site) == ["account_disabled"]


def test_the_sites_own_test_says_who_may_enter(browser, site, settings, sally):
    settings.WIKI_USER_TEST = "tests.django_hooks.test_users.member"
    browser.log_in()
    assert browser.get_text("/who/") == "sally"
    assert browser.wiki_cookie is None
    assert starts_of(site) == []
    sally.groups.add(Group.objects.create(name="wiki"))
    browser.get("/untouched/")
    assert browser.wiki_name == "sally"


def test_who_is_refused_is_told_so_where_the_wiki_leads(browser, site, settings, sally):
    settings.WIKI_URL = "https://wiki.example.org/"
    settings.WIKI_USER_TEST = "tests.django_hooks.test_users.member"
    browser.log_in()
    way = "/sso/enter/?next=https%3A%2F%2Fwiki.example.org%2FHome%3Fa%3D1%26b"
    response = browser.get(way)
    assert response.status_code == 403
    assert "logged in to the site as sally, but the site does not let this account into its wiki" in (
        text := response.content.decode()
    )
    assert 'href="/sso/leave/?next=https%3A%2F%2Fwiki.example.org%2FHome%3Fa%3D1%26b"' in text
    assert browser.wiki_cookie is None
    sally.groups.add(Group.objects.create(name="wiki"))
    assert "let this account" not in browser.get_text(way)
    assert browser.wiki_name == "sally"


def test_who_is_refused_does_not_keep_the_session_of_who_was_there_before(browser, site, settings):
    browser.log_in("harry")
    settings.WIKI_USER_TEST = "tests.django_hooks.test_users.member"
    browser.log_in("sally")
    assert browser.wiki_cookie is None
    assert reasons(site) == ["replaced"]


def test_the_sites_own_test_is_asked_again_when_a_user_is_saved(browser, site, settings, sally):
    settings.WIKI_USER_TEST = member
    sally.groups.add(Group.objects.create(name="wiki"))
    browser.log_in()
    with transaction.atomic():
        sally.save()
        sally.groups.clear()  # as the admin does, after it has saved the user
    assert reasons(site) == ["account_disabled"]


def test_an_answer_that_must_be_waited_for_lets_nobody_in(browser, settings):
    class Answer:
        def __await__(self):
            yield

    settings.WIKI_USER_TEST = lambda _: Answer()  # which would count as true
    browser.log_in()
    assert browser.wiki_cookie is None


def test_a_broken_test_lets_nobody_in_and_breaks_no_page(browser, site, settings, sally, caplog):
    settings.WIKI_USER_TEST = broken
    browser.log_in()
    assert browser.get_text("/who/") == "sally"
    assert browser.wiki_cookie is None
    sally.first_name = "Sal"
    sally.save()
    assert "WIKI_USER_TEST failed" in caplog.text
    assert PendingEnd.objects.get().user_id == str(sally.pk)


def test_the_newest_of_too_many_stays(browser, other_browser, site, settings):
    settings.WIKI_MAX_SESSIONS = 1
    browser.log_in()
    first = browser.wiki_session.ref.sid
    other_browser.log_in()
    assert ends_of(site) == [(first, Reason.LIMIT)]
    assert browser.get_text("/who/") == ""
    assert other_browser.get_text("/who/") == "sally"


def test_healing_does_not_count_against_the_limit(browser, other_browser, site, settings):
    settings.WIKI_MAX_SESSIONS = 1
    browser.log_in()
    site.redis.delete(site.keys.shards[0].session(browser.wiki_session.ref.sid))
    other_browser.log_in()
    browser.get("/untouched/")
    assert browser.wiki_name == other_browser.wiki_name == "sally"


def test_where_the_app_is_off_nothing_is_listened_to(settings, site, sally, django_assert_num_queries):
    settings.WIKI_ENABLED = False
    with django_assert_num_queries(1):
        sally.save()


class TestTheAdmin:
    """Django's own way to change users; its pages are sync."""

    @pytest.fixture
    def kind_of_browser(self):
        return Browser

    @pytest.fixture
    def boss(self, other_browser, people):
        people["harry"].is_staff = people["harry"].is_superuser = True
        people["harry"].save()
        other_browser.post("/admin/login/?next=/who/", {"username": "harry", "password": "surf"})
        assert other_browser.wiki_name == "harry"
        return other_browser

    def change(self, boss, user, **new):
        page = f"/admin/auth/user/{user.pk}/change/"
        form = boss.get(page).context["adminform"].form
        data = {name: value for name, value in form.initial.items() if value not in (None, False)}
        for moment in ("last_login", "date_joined"):
            if found := data.pop(moment, None):
                data[f"{moment}_0"], data[f"{moment}_1"] = found.strftime("%Y-%m-%d"), found.strftime("%H:%M:%S")
        response = boss.post(page, {name: value for name, value in (data | new).items() if value is not None})
        assert response.status_code == 302, response.context["adminform"].form.errors

    def test_disables(self, browser, boss, site, sally, people):
        browser.log_in()
        self.change(boss, sally, is_active=None)
        assert reasons(site) == ["account_disabled"]
        assert end_event(site)["actor"] == str(people["harry"].pk)
        assert boss.wiki_name == "harry"

    def test_renames(self, browser, boss, sally):
        browser.log_in()
        self.change(boss, sally, username="sal", last_name="Sand")
        person = browser.wiki_session.record.person
        assert (person.name, person.display_name) == ("sal", "Sally Sand")

    def test_asks_the_sites_test_after_the_groups_were_saved(self, browser, boss, site, sally, settings):
        sally.groups.add(Group.objects.create(name="wiki"))
        settings.WIKI_USER_TEST = member
        browser.log_in()
        assert browser.wiki_name == "sally"
        self.change(boss, sally, groups=[])
        assert "account_disabled" in reasons(site)
        assert browser.wiki_session is None

    def test_sets_a_password(self, browser, boss, site, sally):
        browser.log_in()
        page = f"/admin/auth/user/{sally.pk}/password/"
        boss.post(page, {"password1": "swell-1234", "password2": "swell-1234", "usable_password": "true"})
        assert reasons(site) == ["password_change"]

    def test_deletes_several(self, browser, boss, site, sally):
        browser.log_in()
        chosen = {"action": "delete_selected", "_selected_action": [sally.pk], "post": "yes"}
        boss.post("/admin/auth/user/", chosen)
        assert reasons(site) == ["account_disabled"]

    def test_logs_out(self, boss, site):
        boss.post("/admin/logout/")
        assert boss.wiki_cookie is None
        assert reasons(site) == ["logout"]
