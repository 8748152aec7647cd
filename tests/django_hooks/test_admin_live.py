"""The admin's live sessions: who may see and end them, what is found, and what is written down."""

from __future__ import annotations

import re

import pytest
from django.contrib.admin.models import LogEntry

from session_store import Person, Store, parse_token
from tests.servers import free_port
from tests.session_store.samples import HOUR, MINUTE, history, new_token, opened, ref_of

from .conftest import Browser, ends_of

LIST = "/admin/django_hooks/livesession/"
END = LIST + "end/"
DASHBOARD = LIST + "dashboard/"
EVENTS = "/admin/django_hooks/auditevent/"
MARKUP = "<script>alert(1)</script>\"'><img src=x>"


def value(token) -> str:
    return f"{token.shard}.{token.sid}"


def shown(browser: Browser, query: str = "") -> list[str]:
    return [row.person.name for row in browser.get(LIST + query).context["rows"]]


@pytest.mark.parametrize("path", [LIST, DASHBOARD, EVENTS, EVENTS + "export/"])
def test_who_may_not_see_them_does_not(browser: Browser, staff, path: str):
    assert browser.get(path)["Location"].startswith("/admin/login/")
    assert staff().get(path).status_code == 403


def test_who_may_see_may_not_end(staff, site: Store, harry):
    browser, token = staff("view_livesession"), opened(site, harry)
    page = browser.get_text(LIST)
    assert "harry" in page
    assert "End selected" not in page
    for confirmed in ({}, {"confirmed": "yes"}):
        for what in ({"what": "selected", "session": value(token)}, {"what": "all"}, {"what": "user", "user": "2"}):
            assert browser.post(END, what | confirmed).status_code == 403
    assert ends_of(site) == []


def test_the_index_leads_to_both_lists(admin: Browser):
    page = admin.get_text("/admin/")
    assert f'href="{LIST}"' in page
    assert f'href="{EVENTS}"' in page
    assert "/add/" not in page


def test_a_row_says_what_is_known(admin: Browser, site: Store, harry):
    token = opened(site, harry)
    site.check([token], place="wiki")
    text = admin.get_text(LIST)
    for words in ("harry", "Harry H.", "Firefox 132 on Linux", "192.0.2.7", "site and wiki", "you, here"):
        assert words in text
    assert admin.wiki_cookie not in text


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?q=harry", 1), ("?q=192.0.2", 1), ("?q=firefox", 1), ("?q=HARRY+linux", 1), ("?q=nobody", 0),
        ("?user=2", 1), ("?user=99", 0), ("?user=2&q=sally", 0), ("?user=2&place=wiki", 0), ("?place=site", 2),
        ("?place=wiki", 0), ("?begun=hour", 2), ("?begun=older", 0), ("?user=2&begun=older", 0),
        ("?user=2&begun=day", 1), ("?place=moon&begun=never&after=x", 2), ("?q=%00&user=%00", 0),
        ("?q=" + "x" * 3000, 0),
    ],
)  # fmt: skip
def test_they_are_searched_and_filtered(admin: Browser, site: Store, harry, query: str, found: int):
    opened(site, harry)
    query = query.replace("user=2", f"user={harry.user_id}")
    assert len(shown(admin, query)) == found


def test_pages_follow_each_other(admin: Browser, site: Store, harry):
    for number in range(205):
        opened(site, Person(harry.user_id, "harry", ip=f"198.51.100.{number}"), age=HOUR + number * MINUTE)
    seen, query = [], "?q=198.51"
    for expected in (100, 100, 5):
        answer = admin.get(LIST + query)
        page = [row.person.ip for row in answer.context["rows"]]
        assert len(page) == expected
        seen += page
        query = answer.context["next"] or ""
    assert query == ""
    assert len(set(seen)) == 205


def test_selected_sessions_are_ended_after_they_were_shown_once_more(admin: Browser, site: Store, harry, people):
    ended, kept = opened(site, harry), opened(site, harry)
    form = {"what": "selected", "session": [value(ended)]}
    asked = admin.post(END, form)
    assert "End the selected session?" in asked.content.decode()
    assert "Firefox 132 on Linux" in asked.content.decode()
    assert ends_of(site) == []
    assert admin.post(END, form | {"confirmed": "yes"})["Location"] == LIST
    assert ends_of(site) == [(ended.sid, "revoked")]
    assert history(site)[-1].actor == str(people["sally"].pk)
    assert site.read(kept) is not None
    assert "1 session was ended." in admin.get_text(LIST)


def test_all_of_a_user_are_ended(admin: Browser, site: Store, harry):
    tokens = [opened(site, harry) for _ in range(3)]
    assert "End all of this user" in admin.get_text(f"{LIST}?user={harry.user_id}")
    admin.post(END, {"what": "user", "user": harry.user_id, "confirmed": "yes"})
    assert sorted(ends_of(site)) == sorted((token.sid, "revoked") for token in tokens)
    assert admin.get_text("/who/") == "sally"


def test_all_are_ended_but_the_admins_own(admin: Browser, site: Store, harry):
    for _ in range(1203):
        opened(site, harry)
    own = parse_token(admin.wiki_cookie)
    asked = admin.post(END, {"what": "all"}).content.decode()
    assert "Everybody but you" in asked
    assert "ended meanwhile" not in asked
    admin.post(END, {"what": "all", "confirmed": "yes"})
    assert [session.ref.sid for session in site.sessions()] == [own.sid]
    assert "1203 sessions were ended." in admin.get_text(LIST)


def test_what_takes_too_long_is_done_in_steps(admin: Browser, site: Store, harry, monkeypatch):
    from django_hooks.admin_pages import acts

    monkeypatch.setattr(acts, "PATIENCE", 0)
    for _ in range(700):
        opened(site, harry)
    admin.post(END, {"what": "all", "confirmed": "yes"})
    assert 0 < site.count() < 700
    assert "There are more" in admin.get_text(LIST)
    admin.post(END, {"what": "all", "confirmed": "yes"})
    assert site.count() == 1


def test_an_act_is_in_the_admins_log_and_in_ours(admin: Browser, site: Store, harry, people, caplog):
    token = opened(site, harry)
    admin.post(END, {"what": "selected", "session": value(token), "confirmed": "yes"})
    admin.post(END, {"what": "user", "user": "7\nforged", "confirmed": "yes"})
    entries = LogEntry.objects.order_by("pk")
    assert [(entry.user_id, entry.object_id) for entry in entries] == [
        (people["sally"].pk, token.sid),
        (people["sally"].pk, "7\nforged"),
    ]
    said = [record.getMessage() for record in caplog.records if record.name.startswith("django_hooks")]
    assert f"user {people['sally'].pk} ('sally') ends sessions: selected '{token.sid}'" in said
    assert not any("\n" in line for line in said)
    assert admin.get("/admin/").status_code == 200


def test_a_session_that_ends_meanwhile_ends_once(admin: Browser, site: Store, harry):
    token = opened(site, harry)
    form = {"what": "selected", "session": value(token)}
    site.end(ref_of(token), "logout")
    assert "They have ended meanwhile." in admin.post(END, form).content.decode()
    admin.post(END, form | {"confirmed": "yes"})
    assert "0 sessions were ended." in admin.get_text(LIST)
    assert ends_of(site) == [(token.sid, "logout")]


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"what": "selected"},
        {"what": "selected", "session": ["x", "0.", "9.x", ".", "77777." + "a" * 22, "²." + "a" * 22]},
        {"what": "user"},
        {"what": "everything"},
    ],
)
def test_a_form_that_names_nothing_ends_nothing(admin: Browser, site: Store, form):
    assert admin.post(END, form | {"confirmed": "yes"})["Location"] == LIST
    assert "No session was selected." in admin.get_text(LIST)
    assert ends_of(site) == []


def test_a_foreign_form_ends_nothing(admin: Browser, site: Store, harry):
    from django.test import Client

    token, strict = opened(site, harry), Client(enforce_csrf_checks=True)
    strict.cookies = admin.cookies
    form = {"what": "selected", "session": value(token), "confirmed": "yes"}
    assert strict.post(END, form).status_code == 403
    assert admin.get(END).status_code == 405
    assert ends_of(site) == []


def test_a_session_of_another_shard_is_ended_where_it_is(staff, redis_server, settings, site, harry):
    settings.WIKI_REDIS_SHARDS = 3
    from django_hooks.stores import get_store

    browser = staff("view_livesession", "end_livesession")
    token = new_token(2)
    get_store().open(token, harry, age=HOUR)
    browser.post(END, {"what": "selected", "session": value(token), "confirmed": "yes"})
    assert get_store().read(token) is None
    assert [event.reason for event in history(get_store(), 2) if event.action == "end"] == ["revoked"]


def test_while_redis_is_away_the_pages_say_so_and_stay_up(admin: Browser, settings):
    settings.WIKI_REDIS_URL = f"redis://:secret-word@127.0.0.1:{free_port()}/0"
    for path in (LIST, DASHBOARD):
        answer = admin.get(path)
        assert answer.status_code == 200
        assert "Redis does not answer" in answer.content.decode()
        assert "secret-word" not in answer.content.decode()
    assert admin.post(END, {"what": "all", "confirmed": "yes"}).status_code == 503
    assert admin.get(EVENTS).status_code == 200


def test_whatever_people_and_browsers_call_themselves_the_list_stays_in_shape(admin: Browser, site: Store):
    opened(site, Person("9&x=<b>", MARKUP, MARKUP, MARKUP, MARKUP, MARKUP))
    opened(site, Person("\u202e", "A" * 10_000, user_agent="A" * 10_000))
    text = admin.get_text(LIST)
    assert "<script>alert" not in text
    assert "<img src=x" not in text
    assert "?user=9%26x%3D%3Cb%3E" in text


def test_ours_in_the_pages_needs_no_more_than_the_strictest_policy(admin: Browser, site: Store, harry):
    token = opened(site, harry)
    pages = [admin.get_text(path) for path in (LIST, DASHBOARD)]
    pages.append(admin.post(END, {"what": "selected", "session": value(token)}).content.decode())
    for page in pages:
        assert not re.search(r"<script(?! src=)|<style|\sstyle=|\son\w+=|javascript:", page)
