from __future__ import annotations

import pytest

from session_store.audit import AuditReader
from session_store.backlog import ends_of_streams, has_stored

from .samples import opened


@pytest.fixture
def reader(store) -> AuditReader:
    reader = AuditReader(store, "x", wait=0.01)
    reader.attach()
    return reader


def test_an_empty_stream_is_stored_by_everybody(store):
    assert has_stored(store, "nobody", ends_of_streams(store))


def test_a_reader_has_stored_what_it_has_acknowledged(store, reader):
    opened(store)
    first = ends_of_streams(store)
    assert not has_stored(store, "x", first)
    batch = reader.read()[0]
    assert not has_stored(store, "x", first)
    opened(store)
    reader.acknowledge(batch)
    assert has_stored(store, "x", first)
    assert not has_stored(store, "x", ends_of_streams(store))
    assert not has_stored(store, "nobody", first)
