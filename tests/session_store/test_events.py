from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from session_store import Person, Record
from session_store.events import Event, timestamp
from tests.session_store.samples import HOUR, SALLY, history, over

SID = "a" * 22
AT = 1_700_000_000_123
RECORD = Record(SALLY, AT - 1500, AT + HOUR)


def test_an_end_is_worded_in_the_elastic_common_schema():
    event = Event("5-0", "end", SID, AT, "revoked", "7", RECORD)
    assert event.to_ecs(written=1_700_000_001) == {
        "@timestamp": "2023-11-14T22:13:21.000Z",
        "event": {
            "kind": "event",
            "category": ["session"],
            "type": ["end"],
            "id": f"{SID}-end",
            "action": "session-ended",
            "reason": "revoked",
            "actor": "7",
            "start": "2023-11-14T22:13:18.623Z",
            "end": "2023-11-14T22:13:20.123Z",
            "duration": 1_500_000_000,
        },
        "session": {"id": SID},
        "user": {"id": "1", "name": "sally", "email": "sally@example.org", "full_name": "Sally Smith"},
        "source": {"ip": "192.0.2.1"},
        "user_agent": {"original": "Firefox"},
    }


def test_a_start_is_worded_in_the_elastic_common_schema():
    record = Record(Person("2", "harry"), AT, AT + HOUR)
    assert Event("5-0", "start", SID, AT, record=record).to_ecs(written=1_700_000_001) == {
        "@timestamp": "2023-11-14T22:13:21.000Z",
        "event": {
            "kind": "event",
            "category": ["session"],
            "type": ["start"],
            "id": f"{SID}-start",
            "action": "session-started",
            "start": "2023-11-14T22:13:20.123Z",
        },
        "session": {"id": SID},
        "user": {"id": "2", "name": "harry"},
    }


def test_an_end_without_record_says_what_is_known():
    document = Event("5-0", "end", SID, AT, "lost").to_ecs()
    assert set(document) == {"@timestamp", "event", "session"}
    assert "duration" not in document["event"]
    assert "actor" not in document["event"]


def test_an_event_is_written_down_now_where_nothing_else_is_said():
    written = Event("5-0", "end", SID, AT, "lost").to_ecs()["@timestamp"]
    assert abs((datetime.now(UTC) - datetime.fromisoformat(written)).total_seconds()) < 60


def test_a_clock_that_went_back_makes_no_negative_duration():
    event = Event("5-0", "end", SID, RECORD.created - 5000, "logout", record=RECORD)
    assert event.to_ecs()["event"]["duration"] == 0


def test_an_expiry_ended_at_its_deadline_and_lasted_as_long_as_its_life(store):
    over(store, age=7)
    store.end_due(store.keys.shards[0])
    event = history(store)[-1].to_ecs()["event"]
    assert event["duration"] == 7_000_000


texts = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.builds(Person, texts.filter(bool), texts.filter(bool), texts, texts, texts, texts), texts)
def test_any_person_fits_on_a_line(person, actor):
    line = Event("5-0", "end", SID, AT, "revoked", actor, Record(person, AT, AT)).to_line()
    assert line.count(b"\n") == 1
    document = json.loads(line)
    assert document["user"]["name"] == person.name
    assert document.get("user_agent", {}).get("original", "") == person.user_agent


@given(st.integers(0, 4_102_444_800_000))
def test_a_time_is_told_to_the_millisecond(ms):
    text = timestamp(ms)
    assert text.endswith("Z")
    assert len(text) == len("2023-11-14T22:13:20.123Z")
    told = datetime.fromisoformat(text)
    assert told.utcoffset().total_seconds() == 0
    assert (told - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1000 == pytest.approx(ms, abs=0.01)
