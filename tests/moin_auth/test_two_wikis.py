"""Two wikis of one site: each asks with its own ExternalCookie, and a log-out in one of them is one in both."""

from __future__ import annotations

import pytest


def test_one_log_in_serves_two_wikis_and_one_log_out_ends_both(make_wiki, people):
    wikis = make_wiki(), make_wiki()
    token = people("sally")
    readers = [wiki.reader(token) for wiki in wikis]
    assert [wiki.name(reader) for wiki, reader in zip(wikis, readers, strict=True)] == ["sally", "sally"]
    readers[0].post("/+logout", data={"key": token.logout_key})
    assert [wiki.name(reader) for wiki, reader in zip(wikis, readers, strict=True)] == [None, None]


def test_each_wiki_keeps_profiles_of_its_own(make_wiki, people):
    club, board = make_wiki(), make_wiki()
    assert club.name(club.reader(people("sally"))) == "sally"
    assert board.profiles() == []
    assert len(club.profiles()) == 1


@pytest.mark.unguarded
def test_wikis_of_two_sites_on_one_redis_know_only_their_own_people(make_wiki, people):
    ours, theirs = make_wiki(), make_wiki(redis_prefix="other")
    token = people("sally")
    assert ours.name(ours.reader(token)) == "sally"
    assert theirs.name(theirs.reader(token)) is None
