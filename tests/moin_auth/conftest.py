"""A real wiki on a real Redis, and readers with cookies."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from moin.app import create_app_ext, destroy_app
from moin.auth import BaseAuth
from moin.config import AclConfig, IndexStorageConfig
from moin.config.default import DefaultConfig
from moin.storage import create_simple_mapping
from moin.user import User, search_users

from moin_auth import ExternalCookie
from moin_auth.profiles import NAME_KEYS, OWNER
from session_store import Config, Person, Store, Token, make_nonce, make_token
from tests.servers import PATIENCE, as_user

NAME = "wiki_session"
HOUR = 3_600_000


class Wiki:
    """A wiki under test, and what its storage says."""

    def __init__(self, app: Flask) -> None:
        self.app = app

    def reader(self, token: Token | str | None = None) -> FlaskClient:
        """Return a browser that holds a cookie, or none."""
        client = self.app.test_client()
        if token is not None:
            client.set_cookie(NAME, token.value if isinstance(token, Token) else token, domain="localhost")
        return client

    def name(self, client: FlaskClient, path: str = "/Home") -> str | None:
        """Return the name under which a page greets the reader; None: as anonymous."""
        response = client.get(path)
        assert response.status_code in {200, 404}, response.status
        (menu,) = re.findall(r'<ul id="moin-username">(.*?)</ul>', response.text, re.DOTALL)
        found = re.search(r"<span>([^<]*)</span>", menu)
        return html.unescape(found[1]) if found else None

    def warm_up(self) -> None:
        """Read a page: moin finds its themes at the first request, and not safely for threads."""
        self.name(self.reader())

    def may_edit(self, client: FlaskClient) -> bool:
        """Return whether the reader is offered the editor of a new page."""
        path = "/+modify/NewPage?itemtype=default&contenttype=text/x.moin.wiki;charset%3Dutf-8&template="
        return "content_form_data_text" in client.get(path, follow_redirects=True).text

    def write(self, client: FlaskClient, page: str, text: str, acl: str = "") -> None:
        """Write a page, as the editor's form does."""
        path = f"/+modify/{page}?itemtype=default&contenttype=text/x.moin.wiki;charset%3Dutf-8&template="
        form = client.get(path, follow_redirects=True).text
        fields = dict(re.findall(r'<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"', form))
        fields = {key: html.unescape(value) for key, value in fields.items() if key not in {"cancel", "preview"}}
        response = client.post(path, data={**fields, "content_form_data_text": text, "meta_form_acl": acl or "None"})
        assert response.status_code == 302, response.status

    def put(self, page: str, text: str, acl: str, *, mtime: int | None = None, **fields) -> None:
        """Put a page into the storage by hand, as of now or another time."""
        contenttype = "text/x.moin.wiki;charset=utf-8"
        meta = {"name": [page], "namespace": "", "contenttype": contenttype, "acl": acl, "rev_number": 1, **fields}
        meta |= {"mtime": mtime, "itemtype": "default", "action": "SAVE", "address": "127.0.0.1"} if mtime else {}
        with self.app.test_request_context("/"):
            self.app.storage[page].store_revision(meta, BytesIO(text.encode()), name=page, trusted=mtime is not None)

    def meta(self, page: str) -> dict:
        """Return a page's metadata."""
        with self.app.test_request_context("/"):
            return dict(self.app.storage[page]["current"].meta)

    def profiles(self, **query) -> list[dict]:
        """Return every profile's metadata."""
        found = []
        with self.app.test_request_context("/"):
            for profile in search_users(**query):
                with profile:
                    found.append(dict(profile.meta))
        return found

    def make_profile(self, user_id: str | None, names: list[str], keys: list[str]) -> str:
        """Make a profile by hand, an account of the wiki's own where it has no user id."""
        with self.app.test_request_context("/"):
            user = User()
            user.profile["name"] = names
            user.profile["disabled"] = False
            if user_id is not None:
                user.profile[OWNER] = user_id
                user.profile[NAME_KEYS] = keys
            user.save()
            return user.itemid

    def change(self, itemid: str, **fields) -> None:
        """Change a profile by hand."""
        with self.app.test_request_context("/"):
            user = User(uid=itemid)
            for key, value in fields.items():
                user.profile[key] = value
            user.save()

    def revisions_of(self, itemid: str) -> int:
        """Count an item's revisions."""
        with self.app.test_request_context("/"):
            return len(list(self.app.storage.documents(idx_name="all_revs", itemid=itemid)))


@pytest.fixture
def people(store: Store):
    """Open sessions by hand, as the site would."""

    def log_in(
        name: str = "sally",
        *,
        user_id: str = "1",
        age: int = HOUR,
        idle: int | None = None,
        on: str = "",
        **person: str,
    ) -> Token:
        token = make_token(b"the site's", make_nonce(), 0, 0)
        place = Store(Config(redis_url=on, redis_timeout=PATIENCE)) if on else store
        assert place.open(token, Person(user_id, name, **person), age=age, idle=idle).lives
        return token

    return log_in


@pytest.fixture
def make_wiki(redis_server, tmp_path: Path) -> Iterator:
    """Make wikis; they are taken down afterwards."""
    yield from _maker(redis_server, tmp_path)


@pytest.fixture(scope="module")
def make_lasting_wiki(redis_server, tmp_path_factory: pytest.TempPathFactory) -> Iterator:
    """Make wikis that a module's tests share: what one of them writes, the next one finds."""
    yield from _maker(redis_server, tmp_path_factory.mktemp("wikis"))


def _maker(redis_server, place: Path) -> Iterator:
    made = []

    usual = {"redis_url": as_user(redis_server.url, "wiki-wiki"), "redis_timeout": PATIENCE, "autocreate": True}

    def make(*, others: Sequence[BaseAuth] = (), acl: str = "", config: Mapping[str, Any] = {}, **options) -> Wiki:
        method = ExternalCookie(**{**usual, **options})
        made.append(make_app(place / f"wiki{len(made)}", acl, {"auth": [method, *others], **config}))
        return Wiki(made[-1])

    yield make
    for app in made:
        destroy_app(app)


@pytest.fixture
def wiki(make_wiki, store: Store) -> Wiki:
    """A wiki as the README configures it."""
    return make_wiki()


def make_app(place: Path, first: str, config: Mapping[str, Any], *, stores: str = "memory:") -> Flask:
    """Make a wiki's app.

    Args:
        place: its directory.
        first: access rules before all others.
        config: what differs in its configuration.
        stores: where moin keeps pages and profiles.
    """
    acl = AclConfig(before=first, default="Known:read,write,create All:read", after="", hierarchic=False)
    namespaces, backends, acls = create_simple_mapping(f"stores:{stores}", acl)

    class Config(DefaultConfig):
        wikiconfig_dir = str(place)
        instance_dir = str(place)
        data_dir = str(place / "data")
        wiki_local_dir = str(place / "local")
        index_storage = IndexStorageConfig(name="FileStorage", args=(str(place / "index"),), kwargs={})
        default_root = "Home"
        interwikiname = "TestWiki"
        interwiki_map = {"Self": "http://localhost/", "TestWiki": "http://localhost/"}  # noqa: RUF012 - moin's way
        email_tracebacks = False
        namespace_mapping, backend_mapping, acl_mapping = namespaces, backends, acls
        create_backend = True
        destroy_backend = True

    place.mkdir(exist_ok=True)
    flask_config = {"SECRET_KEY": "only for tests", "TESTING": True}
    return create_app_ext(flask_config_dict=flask_config, moin_config_class=type("Config", (Config,), dict(config)))
