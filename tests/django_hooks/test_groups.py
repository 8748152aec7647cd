"""Groups that WIKI_GROUPS names are in the records of sessions, and change there when they change on the site."""

from __future__ import annotations

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.http import HttpResponse

from django_hooks import journey
from django_hooks.conf import problems
from django_hooks.middleware import WikiMiddleware
from django_hooks.models import PendingEnd

from .conftest import AsyncBrowser, Browser

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(params=[Browser, AsyncBrowser], ids=["sync", "async"])
def kind_of_browser(request):
    return request.param


@pytest.fixture
def sally(people):
    return get_user_model().objects.get(username="sally")


@pytest.fixture
def editors(settings, sally):
    settings.WIKI_GROUPS = ["Editors", "Admins"]
    Group.objects.create(name="Unknown to the wiki").user_set.add(sally)
    group = Group.objects.create(name="Editors")
    group.user_set.add(sally)
    return group


def groups(browser):
    session = browser.wiki_session
    assert session is not None
    assert not PendingEnd.objects.exists()
    return session.record.person.groups


def test_the_wiki_is_told_of_the_groups_that_are_named_and_of_no_others(browser, site, editors):
    browser.log_in()
    assert groups(browser) == ("Editors",)


def test_without_the_setting_it_is_told_of_none(browser, site, sally):
    Group.objects.create(name="Editors").user_set.add(sally)
    browser.log_in()
    assert groups(browser) == ()


def test_live_sessions_follow_whoever_changes_a_group_and_from_which_end(browser, site, sally, editors):
    browser.log_in()
    admins = Group.objects.create(name="Admins")
    sally.groups.add(admins)
    assert groups(browser) == ("Admins", "Editors")
    admins.user_set.remove(sally)
    assert groups(browser) == ("Editors",)
    sally.groups.set([admins])
    assert groups(browser) == ("Admins",)
    admins.user_set.clear()
    assert groups(browser) == ()
    sally.groups.add(admins, editors)
    sally.groups.clear()
    assert groups(browser) == ()
    editors.user_set.add(sally)
    editors.name = "No longer"
    editors.save()
    assert groups(browser) == ()
    editors.name = "Editors"
    editors.save()
    assert groups(browser) == ("Editors",)
    editors.delete()
    assert groups(browser) == ()


def test_what_is_rolled_back_has_not_happened(browser, site, sally, editors):
    browser.log_in()
    with transaction.atomic():
        sally.groups.clear()
        transaction.set_rollback(True)
    assert groups(browser) == ("Editors",)


def test_another_change_of_the_user_leaves_them_as_they_are(browser, site, sally, editors):
    browser.log_in()
    sally.email = "new@example.org"
    sally.save()
    assert groups(browser) == ("Editors",)


@pytest.mark.parametrize("value", ["Editors", 3, ["a\nb"], [""], [None]])
def test_a_setting_that_is_no_list_of_names_is_refused(value, settings):
    settings.WIKI_GROUPS = value
    assert any("WIKI_GROUPS" in problem for problem in problems())
    with pytest.raises(ImproperlyConfigured, match="WIKI_GROUPS"):
        WikiMiddleware(HttpResponse)


def test_a_group_that_is_left_while_the_session_is_opened_is_not_in_it(browser, site, sally, editors, monkeypatch):
    find = journey.find_groups

    def find_and_leave(user):
        deed = find(user)
        return deed._replace(do=lambda: _leave(deed.do()), ado=lambda: _leave_soon(deed.ado()))

    def _leave(found):
        sally.groups.clear()
        return found

    async def _leave_soon(found):
        groups = await found
        await sync_to_async(sally.groups.clear)()
        return groups

    monkeypatch.setattr(journey, "find_groups", find_and_leave)
    browser.log_in()
    assert groups(browser) == ()
