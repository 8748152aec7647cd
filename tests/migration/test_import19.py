"""From MoinMoin 1.9 to MoinMoin 2, by MoinMoin's own import: profiles stay their owners'."""

from __future__ import annotations

from pathlib import Path

from moin.cli.migration.moin19.import19 import ImportMoin19

from session_store import Person
from tests.moin19 import wikis
from tests.moin_auth.conftest import make_wiki, people  # noqa: F401 - fixtures
from tests.servers import RedisServer, as_user


def test_profiles_stay_bound_and_former_names_taken(
    make_wiki,  # noqa: F811
    people,  # noqa: F811
    store,
    redis_server: RedisServer,
    tmp_path: Path,
) -> None:
    anna, bert = people("anna", user_id="7", email="a@example.org"), people("bert", user_id="8")
    place = tmp_path / "old"
    place.mkdir()
    method = {"redis_url": as_user(redis_server.url, "wiki-wiki"), "redis_timeout": 15, "autocreate": True}
    with wikis.running(place, {"method": method, "users": [["old", "o@example.org", "surfsurf"]]}) as old:
        assert old.reader(anna.value).name() == "anna"
        assert old.reader(bert.value).name() == "bert"
        store.update_user(Person("7", "annette", "a@example.org"))
        assert old.reader(anna.value).name() == "annette"

    wiki = make_wiki()
    done = wiki.app.test_cli_runner().invoke(ImportMoin19, ["--data_dir", str(place / "data"), "--limitmb", "32"])
    assert done.exit_code == 0, (done.output, done.exception)

    before = {profile["name"][0]: profile["itemid"] for profile in wiki.profiles()}
    assert wiki.name(wiki.reader(anna)) == "annette"
    assert wiki.name(wiki.reader(bert)) == "bert"
    assert {profile["name"][0]: profile["itemid"] for profile in wiki.profiles()} == before
    assert wiki.name(wiki.reader(people("anna", user_id="9"))) is None
    assert wiki.name(wiki.reader(people("old", user_id="10"))) is None
