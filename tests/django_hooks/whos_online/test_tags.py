from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest
from django.template import engines

from django_hooks.whos_online import get_whos_online, hide_user, report_guest, report_user

from .conftest import browser, log_in, new_process, online


def render(text: str, user: object = None, **context: object) -> str:
    request = HttpRequest()
    request.user = user or AnonymousUser()
    return engines["django"].from_string("{% load whos_online %}" + text).render(context, request)


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


@pytest.fixture
def crowd(club) -> list[User]:
    """Five members, the last one seen last, and a guest."""
    users = [User.objects.create_user(f"user{number}") for number in (3, 1, 2, 5, 4)]
    for user in users:
        report_user(user)
    now = online(club).now
    # A millisecond each, so that it is clear who came last.
    club.redis.zadd(club.keys.online.members, {str(user.pk): now - 9 + place for place, user in enumerate(users)})
    report_guest("192.0.2.1")
    return users


def test_the_list_names_those_seen_last_and_counts_the_others(crowd):
    text = words(render("{% whos_online limit=2 %}"))
    assert text.startswith("5 members, 1 guest user4 user5 and 3 more Most at once: 6, on ")


def test_the_list_can_be_in_the_order_of_names(crowd):
    assert "user1 user2 user3 user4 user5 Most" in words(render('{% whos_online order="name" %}'))
    assert "user4 user5 and 3 more" in words(render('{% whos_online limit=2 order="name" %}'))


def test_an_order_that_there_is_not_is_refused(crowd):
    with pytest.raises(ValueError, match="recent or name"):
        render('{% whos_online order="age" %}')


def test_the_data_are_there_for_a_templates_own_use(crowd):
    text = render(
        "{% get_whos_online limit=1 as online %}{{ online.members }} {{ online.guests }} {{ online.total }} "
        "{{ online.more }} {{ online.most }} {{ online.bots }} "
        "{{ online.entries.0.name }} {{ online.entries.0.user_id }}"
    )
    assert text == f"5 1 6 4 6 0 user4 {crowd[-1].pk}"


def test_a_page_takes_one_look_however_often_it_shows_them(crowd, commands):
    commands()
    render('{% whos_online %}{% get_whos_online as online %}{% whos_online limit=3 order="name" %}')
    assert commands() == 12, "a script, and what it runs"


def test_a_page_that_wants_more_names_takes_another_look(crowd):
    assert words(render("{% whos_online limit=0 %}{% whos_online limit=500 %}")).count("user1") == 1


def test_what_was_read_may_be_shown_for_a_while(crowd, settings, commands):
    settings.WHOS_ONLINE_CACHE = 60
    render("{% whos_online %}")
    commands()
    assert "user4" in render("{% whos_online %}")
    assert commands() == 0
    new_process()
    render("{% whos_online %}")
    assert commands() > 0


def test_a_name_is_text_whatever_is_in_it(club, settings):
    name = "<script>alert('x')</script>&\"'"
    report_user(User(pk=7, username=name))
    settings.WHOS_ONLINE_PROFILE_URL = lambda member: f'/"><b>{member.name}'
    html = render("{% whos_online %}")
    assert "<script" not in html
    assert "<b>" not in html
    assert "&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt;&amp;&quot;&#x27;" in html


def test_the_list_and_the_plot_keep_a_strict_policy(crowd):
    html = render("{% whos_online %}{% whos_online_plot %}")
    assert "style" not in html
    assert "<script" not in html
    assert not re.search(r"\son\w+=", html)


def test_names_link_to_profiles_by_the_name_of_a_url(crowd, settings):
    settings.WHOS_ONLINE_PROFILE_URL = "profile"
    assert '<a href="/profile/user4/">user4</a>' in render("{% whos_online %}")


def test_names_link_to_profiles_by_the_sites_own_word(crowd, settings):
    settings.WHOS_ONLINE_PROFILE_URL = lambda member: f"/people/{member.user_id}" if member.name == "user4" else None
    html = render("{% whos_online %}")
    assert html.count("<a ") == 1
    assert f'<a href="/people/{crowd[-1].pk}">user4</a>' in html


@pytest.mark.parametrize("wanted", ["no-such-url", lambda member: member.no_such_thing])
def test_where_there_is_no_link_there_is_a_name(crowd, settings, caplog, monkeypatch, wanted):
    from django_hooks.whos_online import listing
    from session_store.throttle import Throttle

    monkeypatch.setattr(listing, "_throttle", Throttle(seconds=60))
    settings.WHOS_ONLINE_PROFILE_URL = wanted
    html = render("{% whos_online %}")
    assert "<a" not in html
    assert "user4" in html
    assert len(caplog.records) == 1


def test_who_hides_is_a_guest_to_others_and_a_name_to_the_staff(crowd):
    hide_user(crowd[-1])
    for reader in (AnonymousUser(), crowd[0], crowd[-1]):
        text = words(render("{% whos_online %}", reader))
        assert text.startswith("4 members, 2 guests user5")
        assert "user4" not in text
    staff = User(username="admin", is_staff=True)
    assert words(render("{% whos_online %}", staff)).startswith("5 members, 1 guest user4 (hidden) user5")


def test_names_may_be_for_members_alone(crowd, settings):
    settings.WHOS_ONLINE_MEMBERS_ONLY = True
    text = words(render("{% whos_online %}"))
    assert text.startswith("5 members, 1 guest Most")
    assert "user4" in words(render("{% whos_online %}", crowd[0]))


def test_without_a_request_the_reader_is_nobody(crowd, settings):
    settings.WHOS_ONLINE_MEMBERS_ONLY = True
    assert "user4" not in engines["django"].from_string("{% load whos_online %}{% whos_online %}").render({})
    assert get_whos_online(limit=3).entries == ()
    assert len(get_whos_online(user=crowd[0], limit=3).entries) == 3


def test_a_page_for_guests_does_not_ask_who_they_are(crowd):
    response = browser().get("/page/")
    assert "user4" in response.content.decode()
    assert not response.has_header("Vary")


def test_a_site_may_have_a_template_of_its_own(crowd, settings, tmp_path):
    place = tmp_path / "django_hooks" / "whos_online.html"
    place.parent.mkdir()
    place.write_text("{{ online.members }} of us")
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]
    assert render("{% whos_online %}") == "5 of us"


def test_whoever_looks_at_the_list_is_on_it(club):
    assert words(render("{% whos_online %}")) == "0 members, 0 guests"
    visitor = browser()
    assert words(visitor.get("/page/").content.decode()).startswith("0 members, 1 guest Most at once: 1")
    log_in(visitor)
    club.redis.flushall()
    new_process()
    assert words(visitor.get("/page/").content.decode()).startswith("1 member, 0 guests sally Most at once: 1")


def test_a_member_sees_another_vanish_at_once(club):
    first, second = browser(), browser("192.0.2.2")
    log_in(first)
    log_in(second, "harry")
    assert "sally" in second.get("/page/").content.decode()
    first.get("/leave/")
    assert "sally" not in second.get("/page/").content.decode()
    assert online(club).guests == 1
