from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from session_store import BadRecord, Person, Reason, Record
from session_store.events import Event, parse_entry, timestamp
from tests.session_store.samples import HOUR, SALLY, history, opened, over, ref_of

SID = "a" * 22
AT = 1_700_000_000_123
RECORD = Record(SALLY, AT - 1500, AT + HOUR)
RAW_RECORD = b'{"created":1699999998623,"expires":1700003600123,"v":1,"user":"1","name":"sally"}'
START = {b"v": b"1", b"action": b"start", b"sid": SID.encode(), b"at": str(AT).encode(), b"record": RAW_RECORD}
END = START | {b"action": b"end", b"reason": b"logout", b"actor": b""}


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


def test_an_entry_is_parsed():
    end = parse_entry(b"5-1", END | {b"actor": b"7"}, "stream")
    assert (end.position, end.action, end.sid, end.at, end.reason, end.actor) == ("5-1", "end", SID, AT, "logout", "7")
    assert end.record.person.name == "sally"
    start = parse_entry(b"5-1", START | {b"reason": b"logout"}, "stream")
    assert (start.action, start.reason, start.id) == ("start", None, f"{SID}-start")


@pytest.mark.parametrize("reason", list(Reason))
def test_what_the_scripts_write_is_parsed(store, reason):
    token = opened(store)
    store.end(ref_of(token), reason, actor="zoë")
    start, end = history(store)
    assert (start.action, end.action, end.reason, end.actor) == ("start", "end", reason, "zoë")
    assert start.record == end.record


def test_an_expiry_ended_at_its_deadline_and_lasted_as_long_as_its_life(store):
    over(store, age=7)
    store.end_due(store.keys.shards[0])
    event = history(store)[-1].to_ecs()["event"]
    assert event["duration"] == 7_000_000


@pytest.mark.parametrize("record", [b"", b"{", b"[]", b'{"v":1}', b"\xff"])
def test_an_end_counts_though_its_record_is_broken(record):
    event = parse_entry(b"5-0", END | {b"record": record}, "stream")
    assert (event.sid, event.record) == (SID, None)


@pytest.mark.parametrize(
    "wrong",
    [
        {b"action": b"begin"},
        {b"action": b""},
        {b"sid": b"short"},
        {b"sid": b"a" * 21 + b"\n"},
        {b"sid": b"\xff" * 22},
        {b"at": b""},
        {b"at": b"soon"},
        {b"at": b"-5"},
        {b"at": b"1.5"},
        {b"at": b"1" * 40},
        {b"at": "²".encode()},
        {b"at": b"999999999999999"},
        {b"reason": b"a whim"},
        {b"reason": b""},
    ],
)
def test_a_broken_entry_is_a_bad_record_that_names_its_place(wrong):
    with pytest.raises(BadRecord) as caught:
        parse_entry(b"5-0", END | wrong, "sso:{0}:audit").to_line()
    assert caught.value.where == "sso:{0}:audit 5-0"


def test_a_reason_of_a_newer_site_is_a_reason():
    assert parse_entry(b"5-0", END | {b"reason": b"too_tired"}, "stream").reason == "too_tired"


@pytest.mark.parametrize("field", [b"action", b"sid", b"at", b"reason"])
def test_an_entry_without_what_it_needs_is_a_bad_record(field):
    with pytest.raises(BadRecord):
        parse_entry(b"5-0", {key: value for key, value in END.items() if key != field}, "stream")


def test_a_deleted_entry_is_a_bad_record():
    with pytest.raises(BadRecord):
        parse_entry(b"5-0", None, "stream")


@pytest.mark.parametrize(
    "record",
    [
        b'{"created":999999999999999999,"expires":1,"user":"1","name":"sally"}',
        b'{"created":1,"expires":1,"user":"1","name":"\\ud800"}',
        b'{"created":1,"expires":1,"user":"\\udfff","name":"sally","agent":"\\ud800"}',
    ],
    ids=["year 33 million", "half a character", "half of a user"],
)
def test_a_strange_record_does_not_keep_its_end_out_of_the_log(record):
    line = parse_entry(b"5-0", END | {b"record": record}, "stream").to_line()
    assert json.loads(line)["event"]["id"] == f"{SID}-end"


texts = st.text(st.characters(exclude_categories=["Cs"]))
fields = st.dictionaries(
    st.sampled_from([b"action", b"sid", b"at", b"reason", b"actor", b"record", b"v", b"other"]),
    st.binary()
    | st.sampled_from([b"start", b"end", b"logout", SID.encode(), RAW_RECORD])
    | st.integers(0, 2**62).map(lambda number: str(number).encode())
    | texts.map(str.encode),
)


@given(st.sampled_from([{}, START, END]), fields)
def test_any_entry_is_an_event_that_fits_on_a_line_or_a_bad_record(base, more):
    try:
        event = parse_entry(b"5-0", base | more, "stream")
    except BadRecord:
        return
    line = event.to_line()
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert json.loads(line)["session"]["id"] == event.sid


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
