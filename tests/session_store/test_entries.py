from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from session_store import BadRecord, Person, Reason, Ref
from session_store.entries import events_of, sids_of
from session_store.events import Event
from tests.session_store.samples import history, opened, ref_of

SID = "a" * 22
AT = 1_700_000_000_123
RAW_RECORD = b'{"created":1699999998623,"expires":1700003600123,"v":1,"user":"1","name":"sally"}'
START = {b"v": b"1", b"action": b"start", b"sid": SID.encode(), b"at": str(AT).encode(), b"record": RAW_RECORD}
END = START | {b"action": b"end", b"reason": b"logout", b"actor": b""}
#: Three ends as one entry has them; the second one's record was lost.
ENDS = {
    b"v": b"2",
    b"action": b"ends",
    b"sids": b" ".join(letter * 22 for letter in (b"a", b"b", b"c")),
    b"reasons": b"logout lost idle",
    b"ats": b" ".join(b"%d" % (AT + i) for i in range(3)),
    b"lengths": b"%d 0 %d" % (len(RAW_RECORD), len(RAW_RECORD)),
    b"records": RAW_RECORD * 2,
}


def event_of(fields: dict[bytes, bytes] | None) -> Event:
    (event,) = events_of(b"5-0", fields, "sso:{0}:audit")
    return event


def test_an_entry_is_parsed():
    end = event_of(END | {b"actor": b"7"})
    assert (end.position, end.action, end.sid, end.at, end.reason, end.actor) == ("5-0", "end", SID, AT, "logout", "7")
    assert end.record.person.name == "sally"
    start = event_of(START | {b"reason": b"logout"})
    assert (start.action, start.reason, start.id) == ("start", None, f"{SID}-start")


@pytest.mark.parametrize("reason", list(Reason))
def test_what_the_scripts_write_is_parsed(store, reason):
    token = opened(store)
    store.end(ref_of(token), reason, actor="zoë")
    start, end = history(store)
    assert (start.action, end.action, end.reason, end.actor) == ("start", "end", reason, "zoë")
    assert start.record == end.record


@pytest.mark.parametrize("record", [b"", b"{", b"[]", b'{"v":1}', b"\xff"])
def test_an_end_counts_though_its_record_is_broken(record):
    event = event_of(END | {b"record": record})
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
        event_of(END | wrong).to_line()
    assert caught.value.where == "sso:{0}:audit 5-0"


def test_a_reason_of_a_newer_site_is_a_reason():
    assert event_of(END | {b"reason": b"too_tired"}).reason == "too_tired"


@pytest.mark.parametrize("field", [b"action", b"sid", b"at", b"reason"])
def test_an_entry_without_what_it_needs_is_a_bad_record(field):
    with pytest.raises(BadRecord):
        event_of({key: value for key, value in END.items() if key != field})


def test_a_deleted_entry_is_a_bad_record():
    with pytest.raises(BadRecord):
        event_of(None)


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
    line = event_of(END | {b"record": record}).to_line()
    assert json.loads(line)["event"]["id"] == f"{SID}-end"


texts = st.text(st.characters(exclude_categories=["Cs"]))
fields = st.dictionaries(
    st.sampled_from([b"action", b"sid", b"at", b"reason", b"actor", b"record", b"v", b"other"]),
    st.binary()
    | st.sampled_from([b"start", b"end", b"logout", SID.encode(), RAW_RECORD])
    | st.integers(0, 2**62).map(lambda number: str(number).encode())
    | texts.map(str.encode),
)


@given(st.sampled_from([{}, START, END, ENDS]), fields)
def test_any_entry_is_events_that_fit_on_lines_or_a_bad_record(base, more):
    try:
        events = events_of(b"5-0", base | more, "stream")
    except BadRecord:
        return
    assert sids_of(base | more) == [event.sid for event in events]
    for event in events:
        line = event.to_line()
        assert line.count(b"\n") == 1
        assert line.endswith(b"\n")
        assert json.loads(line)["session"]["id"] == event.sid


def test_ends_that_share_an_entry_are_read_one_by_one():
    events = events_of(b"5-0", ENDS | {b"actor": b"7"}, "stream")
    assert [(event.sid[0], event.reason, event.at - AT) for event in events] == [
        ("a", "logout", 0),
        ("b", "lost", 1),
        ("c", "idle", 2),
    ]
    assert [event.record.person.name if event.record else None for event in events] == ["sally", None, "sally"]
    assert {(event.action, event.actor, event.position) for event in events} == {("end", "7", "5-0")}
    assert sids_of(ENDS) == [event.sid for event in events]


@pytest.mark.parametrize(
    "wrong",
    [
        {b"sids": SID.encode()},
        {b"sids": b""},
        {b"reasons": b"logout lost a whim"},
        {b"ats": b"1 2 soon"},
        {b"lengths": b"1 2"},
        {b"lengths": b"1 2 -3"},
        {b"lengths": "1 2 ³".encode()},
        {b"lengths": b"0 0 0"},
        {b"lengths": b"9" * 5000},
        {b"records": RAW_RECORD},
    ],
)
def test_ends_whose_lists_do_not_belong_together_are_a_bad_record(wrong):
    with pytest.raises(BadRecord) as caught:
        events_of(b"5-0", ENDS | wrong, "sso:{0}:audit")
    assert caught.value.where == "sso:{0}:audit 5-0"


@pytest.mark.parametrize("count", [1, 2, 50, 51, 500])
def test_many_ends_are_few_entries_and_each_is_told_with_its_record(store, count):
    keys = store.keys.shards[0]
    people = [Person(str(number), f"user{number}") for number in range(count)]
    refs = [ref_of(opened(store, someone), someone) for someone in people]
    store.redis.delete(keys.audit)
    assert len(store.end_all(refs, "revoked", actor="7")) == count
    assert store.redis.xlen(keys.audit) == -(-count // 50)
    events = history(store)
    assert [(event.sid, event.record.person.user_id) for event in events] == [(ref.sid, ref.user_id) for ref in refs]
    assert {(event.reason, event.actor) for event in events} == {("revoked", "7")}


@pytest.mark.leaves_mess
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.binary(max_size=40), min_size=1, max_size=60))
def test_whatever_stands_in_records_each_end_keeps_its_own(store, records):
    keys = store.keys.shards[0]
    store.redis.flushdb()
    sids = [f"{number:022d}" for number in range(len(records))]
    store.redis.hset(keys.records, mapping=dict(zip(sids, records, strict=True)))
    store.end_all([Ref(0, sid, None) for sid in sids], "lost")
    found = [fields for _, fields in store.redis.xrange(keys.audit)]
    assert [sid for fields in found for sid in sids_of(fields)] == sids
    assert b"".join(fields.get(b"records", fields.get(b"record", b"")) for fields in found) == b"".join(records)
    assert [event.sid for event in history(store)] == sids
