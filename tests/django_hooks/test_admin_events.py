"""The admin's audit events: read, searched, filtered, and exported; and the dashboard that counts them."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.admin import site
from django.contrib.auth.models import User
from django.utils import timezone, translation
from hypothesis import given
from hypothesis import strategies as st

from django_hooks.admin_pages import dashboard
from django_hooks.admin_pages.chart import ENDS, LOGINS, NAMES, _round_up, group_of
from django_hooks.admin_pages.events import AuditEventAdmin, BoundedPaginator
from django_hooks.admin_pages.export import FORMULAS, stream_csv, to_cell
from django_hooks.models import AuditEvent, AuditFollower
from django_hooks.my_sessions.listing import ended_sessions
from session_store import Reason, Store, verbs

from .conftest import FIREFOX, Browser
from .test_admin_live import DASHBOARD, EVENTS, LIST

NOW = timezone.now


def add(number: int = 1, **fields) -> None:
    now = NOW()
    for _ in range(number):
        values = {"sid": f"s{AuditEvent.objects.count():021}", "action": "end", "at": now, "reason": "logout"}
        values |= {"user_id": "2", "user_name": "harry", "ip": "192.0.2.7", "user_agent": FIREFOX, "stored_at": now}
        AuditEvent.objects.create(**{**values, **fields})


def listed(browser: Browser, query: str = "") -> int:
    return len(browser.get(EVENTS + query).context["cl"].result_list)


def exported(browser: Browser, query: str = "") -> list[dict[str, str]]:
    answer = browser.get(f"{EVENTS}export/{query}")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    return list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))


def test_an_event_is_told_in_words(admin: Browser):
    add(reason="revoked", actor="17", duration=timedelta(hours=2, microseconds=5))
    text = admin.get_text(EVENTS)
    for words in ("Ended by hand", "harry", "Firefox 132 on Linux", "192.0.2.7", "2:00:00", "17"):
        assert words in text


def test_who_ended_a_session_is_named(admin: Browser, people):
    add(reason="revoked", actor=str(people["harry"].pk), user_name="zoe")
    add(reason="revoked", actor="4711")
    assert ">harry</td>" in admin.get_text(EVENTS + "?q=zoe")
    assert ">4711</td>" in admin.get_text(EVENTS)
    for actor in ("9" * 30, "no key"):  # neither is any user's: too long for a database, and no number
        add(reason="revoked", actor=actor, user_name="zoe")
        page = admin.get_text(EVENTS + "?q=zoe")
        assert f">{actor}</td>" in page
        assert ">harry</td>" in page


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", 4), ("?reason=expired", 1), ("?reason=none-such", 0), ("?action__exact=start", 1), ("?q=harry", 3),
        ("?q=192.0.2", 3), ("?q=firefox", 3), ("?q=zoe", 1),
        (f"?at__gte={(datetime.now(UTC) - timedelta(days=1)).date()}+00:00:00%2B00:00", 3),
    ],
)  # fmt: skip
def test_events_are_searched_and_filtered_and_exported_alike(admin: Browser, query: str, found: int):
    add()
    add(action="start", reason="")
    add(reason="expired", at=NOW() - timedelta(days=40))
    add(reason="limit", user_name="zoe", ip="2001:db8::1", user_agent="")
    assert listed(admin, query) == len(exported(admin, query)) == found


def test_nobody_adds_changes_or_deletes_one(admin: Browser):
    add()
    pk = AuditEvent.objects.get().pk
    for path in (f"{EVENTS}add/", f"{EVENTS}{pk}/delete/"):
        assert admin.get(path).status_code == 403
        assert admin.post(path, {"post": "yes"}).status_code == 403
    assert admin.post(f"{EVENTS}{pk}/change/", {"reason": "x"}).status_code == 403
    assert "delete_selected" not in admin.get_text(EVENTS)
    assert AuditEvent.objects.get().reason == "logout"


def test_an_export_is_streamed_in_few_queries(admin: Browser, django_assert_max_num_queries):
    add(30)
    with django_assert_max_num_queries(8):
        assert len(exported(admin)) == 30


def test_an_export_is_written_down(admin: Browser, caplog):
    exported(admin, "?q=harry")
    assert "('sally') exports audit events: 'q=harry'" in caplog.text


@pytest.mark.parametrize(
    "query", ["?bogus=1", "?at__gte=x", "?reason__foo=1", "?p=99999", "?o=99.x", "?user_name__regex=("]
)
def test_parameters_that_make_no_sense_are_no_500(admin: Browser, query: str):
    add()
    for path in (EVENTS, EVENTS + "export/"):
        assert admin.get(path + query).status_code < 500


def test_a_row_is_exported_as_it_stands(admin: Browser):
    at = datetime(2026, 11, 25, 12, 0, 0, 123000, tzinfo=UTC)
    add(at=at, actor="7", duration=timedelta(seconds=90.5), user_name='Zo"ë, \n', email="=cmd|' /C calc'!A0")
    (row,) = exported(admin)
    assert row["at"] == "2026-11-25T12:00:00.123Z"
    assert (row["duration"], row["actor"], row["user_name"]) == ("90.500", "7", 'Zo"ë, \n')
    assert row["email"] == "'=cmd|' /C calc'!A0"


@given(st.text(max_size=20))
def test_no_cell_is_a_formula(text):
    assert not to_cell(text).lstrip(" ").startswith(FORMULAS)


@pytest.mark.parametrize("text", ["=1+1", "  =1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\uff1d1", "\0=1"])
def test_what_would_be_one_gets_an_apostrophe(text):
    assert to_cell(text).startswith("'")


def test_every_reason_belongs_to_one_group():
    assert {group_of(reason) for reason in Reason} == set(ENDS)
    assert sum(map(len, ENDS.values())) == len(Reason)
    assert set(NAMES) == {LOGINS, *ENDS}
    assert group_of("of a later version") in ENDS


@given(st.integers(0, 10**7))
def test_the_scale_is_round_and_high_enough(number):
    top = _round_up(number)
    assert max(number, 4) <= top <= max(2 * number, 4)


def test_the_dashboard_says_how_things_stand(admin: Browser, site: Store):
    AuditFollower.objects.create(name="table", token="t")
    now = NOW()
    add(3, action="start", reason="", at=now)
    add(2, at=now)
    add(1, reason="expired", at=now - timedelta(seconds=2), stored_at=now)
    add(5, reason="lost", at=now - timedelta(days=2))
    words = '{"role": "writer", "ready": true, "did": "audited <b>7</b>"}'
    site.run(verbs.heartbeat(site.keys.shards[0], "worker-1", words, 10_000))
    site.run(verbs.attach(site.keys.shards[0], "worker", "t"))
    answer = admin.get(DASHBOARD)
    figures, text = answer.context["figures"], answer.content.decode()
    assert (figures.logins, figures.ends, figures.status.live) == (3, 3, 1)
    assert (figures.lateness.half, figures.lateness.nearly_all) == (2.0, 2.0)
    assert figures.guarded
    assert len(figures.hours) == 24
    for said in ("worker-1", "writes the audit log", "audited &lt;b&gt;7", '<svg class="django-hooks-chart"'):
        assert said in text
    assert "errornote" not in text


def test_the_dashboard_says_what_is_wrong(admin: Browser):
    text = admin.get_text(DASHBOARD)
    for said in ("No worker has been heard of", "Nobody fills the audit table"):
        assert said in text


def test_the_drawing_is_the_same_in_every_language(admin: Browser, settings):
    settings.USE_THOUSAND_SEPARATOR = True
    AuditFollower.objects.create(name="table", token="t")
    add(7)
    with translation.override("de"):
        text = admin.get_text(DASHBOARD)
    measures = re.findall(
        r' (?:x|y|width|height|x1|x2|y1|y2)="([^"]*)"', re.search("<svg class=.django.*?</svg>", text, re.DOTALL)[0]
    )
    assert len(measures) > 20
    assert all(re.fullmatch(r"[0-9]+(\.[0-9])?", measure) for measure in measures)


def test_a_site_without_time_zones_has_one_too(admin: Browser, settings):
    settings.USE_TZ = False
    AuditEvent.objects.create(sid="s", action="end", reason="expired", at=datetime.now(), stored_at=datetime.now())  # noqa: DTZ005
    assert admin.get(DASHBOARD).context["figures"].ends == 1
    assert len(exported(admin)) == 1
    assert admin.get(LIST).status_code == 200


def test_every_database_answers_what_the_pages_ask(database):
    add()
    add(reason="expired", at=NOW() - timedelta(seconds=3), ip="2001:db8::17", user_name="Zoë 100%", user_agent="")
    add(action="start", reason="")
    pages = AuditEventAdmin(AuditEvent, site)
    for text, found in (("harry", 2), ("192.0.2", 2), ("2001:db8", 1), ("firefox/132", 2), ("0%", 1), ("nobody", 0)):
        rows, _duplicates = pages.get_search_results(None, AuditEvent.objects.order_by("pk"), text)
        assert BoundedPaginator(rows, 100).count == len(rows) == found, text
    assert sum(hour.counts[LOGINS] for hour in dashboard._hours()) == 1
    assert dashboard._lateness().nearly_all == pytest.approx(3, abs=0.1)
    assert len(whole(stream_csv(AuditEvent.objects.all())).splitlines()) == 4
    assert len(ended_sessions(User(pk=2))) == 2


def whole(response) -> str:
    return b"".join(response.streaming_content).decode()
