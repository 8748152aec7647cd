from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from session_store import BadRecord, Person, Record
from session_store.records import LIMITS, MAX_MS, VERSION, parse_record
from tests.session_store.samples import HOUR, MINUTE, SALLY, ends, new_token, ref_of

TIMES = {"created": 1_700_000_000_000, "expires": 1_700_000_100_000}

#: Texts that look like what the scripts search a record for.
lures = st.text(st.sampled_from('":\\,{}0123'), max_size=6).flatmap(
    lambda edge: st.sampled_from(["expires", "created", "idle", '"expires":1', '"idle":1,', '\\"expires\\":1']).map(
        lambda word: edge + word + edge
    )
)
texts = st.text() | st.text(st.characters(codec="utf-8"), max_size=30) | lures
texts_with_something = texts.filter(lambda text: text.encode("utf-8", "ignore") != b"")
#: What a site's database can hold; lone surrogates come from headers alone.
ids = (st.text(st.characters(exclude_categories=["Cs"])) | lures).filter(bool)

people = st.builds(Person, ids, texts_with_something, texts, texts, texts, texts)


def as_kept(person: Person) -> Person:
    """Return the person as a record can hold it; a user's id is never cut, because a key has the whole of it."""

    def kept(text: str, limit: str) -> str:
        return "".join(character for character in text if not "\ud800" <= character <= "\udfff")[: LIMITS.get(limit)]

    return Person(
        kept(person.user_id, "user"),
        kept(person.name, "name"),
        kept(person.email, "email"),
        kept(person.display_name, "display"),
        kept(person.ip, "ip"),
        kept(person.user_agent, "agent"),
    )


def with_times(record: str, /, **more: object) -> str:
    """Do as the script does that opens a session."""
    return json.dumps(json.loads(record) | TIMES | more)


@given(people, st.none() | st.integers(1, 10**12))
@example(Person("1", "\ud800sally\udcff", user_agent="\udce4" * 600), None)
@example(Person("1", "x" * 1000, "y" * 1000, "z" * 1000, "1" * 1000, "a" * 1000), 5)
def test_a_person_comes_back_from_the_record(person, idle):
    record = parse_record(with_times(person.to_json(idle_ms=idle)), "here")
    assert record == Record(as_kept(person), TIMES["created"], TIMES["expires"], idle, TIMES["created"])


def test_a_record_is_spelt_as_agreed():
    assert SALLY.to_json(idle_ms=5) == (
        '{"v":1,"idle":5,"user":"1","name":"sally","email":"sally@example.org","display":"Sally Smith",'
        '"ip":"192.0.2.1","agent":"Firefox"}'
    )
    assert Person("1", "zoë").to_json() == '{"v":1,"user":"1","name":"zoë"}'


@given(people)
def test_a_record_is_utf_8_and_of_this_version(person):
    assert json.loads(person.to_json().encode())["v"] == VERSION


unknown_fields = st.text().filter(
    lambda key: key not in {"v", "created", "expires", "idle", "user", "site", "wiki", *LIMITS}
)


@given(st.dictionaries(unknown_fields, st.text()))
def test_fields_of_other_versions_are_passed_over(extra):
    assert parse_record(with_times(SALLY.to_json(), v=99, **extra), "here").person == SALLY


def test_what_a_record_says_beyond_its_person_is_not_shown():
    assert "secret" not in repr(parse_record(with_times(SALLY.to_json(), token="secret"), "here"))


@given(st.binary() | st.text() | st.text(st.sampled_from('{}[]":,1e.')))
@example("[" * 100_000)
@example(b"\xff\xfe")
@example("9" * 10_000)
def test_what_is_no_record_is_a_bad_record(raw):
    with pytest.raises(BadRecord, match="sso:records sid"):
        parse_record(raw, "sso:records sid")


@pytest.mark.parametrize("field", ["created", "expires"])
def test_a_time_that_no_calendar_has_makes_a_bad_record(field):
    assert parse_record(with_times(SALLY.to_json(), **{field: MAX_MS}), "here")
    with pytest.raises(BadRecord):
        parse_record(with_times(SALLY.to_json(), **{field: MAX_MS + 1}), "here")


values = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers())


@given(st.sampled_from(["created", "expires", "idle", "user", *LIMITS]), values)
@example("created", True)
@example("expires", 1.5)
@example("expires", float("nan"))
@example("created", 0)
@example("user", "")
def test_a_field_of_the_wrong_type_makes_a_bad_record_that_names_its_place(field, value):
    right = str if field in {"user", *LIMITS} else int
    required = field in {"user", "name", "created", "expires"}
    assume(type(value) is not right or (required and not value) or (field in {"created", "expires"} and value <= 0))
    with pytest.raises(BadRecord) as caught:
        parse_record(with_times(SALLY.to_json(), **{field: value}), "sso:records sid")
    assert caught.value.where == "sso:records sid"


@pytest.mark.parametrize("field", ["user", "name", "created", "expires"])
def test_a_record_needs_its_user_and_its_times(field):
    fields = json.loads(with_times(SALLY.to_json()))
    del fields[field]
    with pytest.raises(BadRecord):
        parse_record(json.dumps(fields), "here")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(person=people, idle=st.none() | st.just(HOUR))
@example(Person("1", '","expires":1,"x":"', '"expires":1', '","idle":1,"', '\\"expires":1', "\\"), None)
@example(Person('","expires":1,"idle":1,"', "\\", "\\\\", '"', '{"expires":1}'), None)
@example(Person("1", "sally", user_agent='"idle":1'), HOUR)
def test_no_text_of_a_user_is_taken_for_a_time(store, person, idle):
    token = new_token()
    opening = store.open(token, person, age=3 * HOUR, idle=idle)
    session = store.read(token)
    assert session is not None
    assert session.record.person == as_kept(person)
    assert (session.record.expires, session.record.idle) == (opening.expires, idle)
    assert session.record.expires - session.record.created == 3 * HOUR
    assert session.deadline - session.record.created in range((idle or 3 * HOUR) - 1, (idle or 3 * HOUR) + 2)
    # The site's session shrinks and the record's expiry with it: the right number is put in.
    assert store.renew(token, age=2 * HOUR) == pytest.approx(idle or 2 * HOUR, abs=MINUTE)
    renewed = store.read(token)
    assert renewed is not None
    assert renewed.record.person == session.record.person
    assert 0 <= renewed.record.expires - session.record.created - 2 * HOUR < MINUTE
    assert store.end(ref_of(token, person), "logout") == "logout"
    assert ends(store)[token.sid] == "logout"


def test_a_user_whose_id_is_longer_than_a_record_keeps_leaves_nothing_behind(store, raw):
    person = Person("9" * 300, "sally")
    token = new_token()
    store.open(token, person, age=HOUR)
    assert store.end(ref_of(token), "logout") == "logout"
    assert not raw.keys(store.keys.shards[0].users_pattern)


def test_a_group_is_in_a_record_whole_or_not_at_all():
    names = ("Editors", "", "two\nlines", "a\u2028b", "x" * 3990, "Admins", "Bs")
    person = Person("1", "sally", groups=names)
    record = person.to_json()[:-1] + ',"created":1,"expires":2}'
    assert parse_record(record, "here").person.groups == ("Editors", "x" * 3990)
    assert Person("1", "sally").profile["groups"] == ""
