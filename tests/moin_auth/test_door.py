"""The door calls its keepers for its own wikis alone, and serves nothing where one of them can't do his work."""

from __future__ import annotations

import traceback

import flask
import pytest
from flask import Response

from moin_auth.door import Door, Doorkeeper
from session_store import ConfigurationError


class Keeper(Doorkeeper):
    def __init__(self):
        self.seen = []

    def prepare(self, app):  # noqa: ARG002 - which one, the test knows
        self.seen.append("prepare")

    def admit(self):
        self.seen.append(flask.request.path)

    def dismiss(self, response):
        response.headers["X-Seen"] = "yes"


@pytest.fixture
def keeper(wiki) -> Keeper:
    keeper = Keeper()
    wiki.door = Door(wiki.app.cfg.auth[0], [keeper])
    return keeper


def test_a_wiki_is_prepared_once_before_its_first_request(wiki, keeper):
    for _ in range(2):
        assert wiki.reader().get("/Home").headers["X-Seen"] == "yes"
    assert keeper.seen == ["prepare", "/Home", "/Home"]


def test_a_keeper_may_answer_a_request_himself(wiki, keeper):
    keeper.admit = lambda: flask.abort(Response("here", 202))
    response = wiki.reader().get("/Home")
    assert (response.status_code, response.text) == (202, "here")


def test_other_apps_are_left_alone(wiki, keeper):
    other = flask.Flask("other")
    assert other.test_client().get("/").status_code == 404
    assert keeper.seen == []


@pytest.mark.parametrize("path", ["/Home", "/static/x", "/+feed/atom", "/+login"])
def test_a_wiki_that_cant_be_guarded_serves_nothing_at_any_request(wiki, keeper, path):
    def fail(app):
        raise ConfigurationError("auth", "is odd")

    keeper.prepare = fail
    wiki.app.testing = False
    wiki.app.config["PROPAGATE_EXCEPTIONS"] = False
    assert [wiki.reader().get(path).status_code for _ in range(3)] == [500, 500, 500]
    problem = next(iter(wiki.door._prepared.values()))
    assert len(traceback.extract_tb(problem.__traceback__)) < 20
    assert not flask.has_app_context()
