"""In and out of a wiki of MoinMoin 1.9: to the site and back to the page, nowhere else, and by no other page."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from session_store import Person, Store, make_nonce, make_token, parse_token, verbs
from tests.moin19.wikis import Wiki
from tests.servers import RedisServer

SITE = "https://site.example/sso/"


@pytest.fixture(scope="module")
def wiki(make_wiki) -> Wiki:
    return make_wiki(root="/wiki", method={"site_url": SITE}, config={"actions_excluded": []})


def link(reader, word: str, path: str = "/Home") -> str:
    found = re.search(rf'<a[^>]*href="([^"]*)"[^>]*id="{word}"', reader.get(path).text)
    assert found, path
    return unescape(found[1]).removeprefix("/wiki")


def sent_to(answer) -> tuple[str, dict[str, str]]:
    assert answer.status == 303, answer.text
    parts = urlsplit(answer.headers["Location"])
    return f"{parts.scheme}://{parts.netloc}{parts.path}", {
        key: value for key, (value,) in parse_qs(parts.query).items()
    }


def live(store: Store, cookie: str) -> bool:
    token = parse_token(cookie)
    return token is not None and store.read(token) is not None


def test_login_leads_to_the_site_and_back_to_the_very_page(wiki, log_in) -> None:
    page = "/B%C3%BCro?action=info&x=1"
    target, fields = sent_to(wiki.reader().get(link(wiki.reader(), "login", page)))
    assert target == f"{SITE}enter/"
    assert fields["next"].startswith(f"{wiki.url}/?action=login")
    back = fields["next"].removeprefix(wiki.url)
    target = wiki.reader(log_in()).get(back)
    assert (target.status, target.headers["Location"]) == (303, wiki.url + page)


def test_who_returns_in_vain_reads_why_and_is_not_sent_round(wiki, store, log_in) -> None:
    back = "/?action=login&login=1&returned=1&next=/Home"
    assert "no proof" in wiki.reader().get(back).text
    assert "is over" in wiki.reader("0." + "A" * 43).get(back).text
    refused = wiki.reader(log_in("All", "66")).get(back)
    assert "no account for you" in refused.text


@pytest.mark.parametrize(
    "address", ["//evil.example/", "https://evil.example/", "/\\evil.example", "/../x", "/a\nb", "x"]
)
def test_nobody_is_led_off_the_wiki(address, wiki, log_in) -> None:
    answer = wiki.reader(log_in()).get(f"/Home?action=login&login=1&next={quote(address)}")
    assert answer.headers["Location"] == f"{wiki.url}/Home"


def test_log_out_by_the_pages_own_link_ends_the_session_and_goes_on_to_the_site(wiki, store, log_in) -> None:
    other = store.read(parse_token(log_in("bert", "2")))
    assert store.end(other.ref, "logout")  # so that Redis knows the script, as it does where there is a site
    reader = wiki.reader(log_in())
    target, fields = sent_to(reader.get(link(reader, "logout", "/Home?x=1")))
    assert target == f"{SITE}leave/"
    assert fields == {"next": f"{wiki.url}/Home?x=1", "key": parse_token(reader.site_cookie).logout_key}
    assert not live(store, reader.site_cookie)
    assert reader.name() is None


@pytest.mark.parametrize(
    "query",
    [
        "action=logout",
        "action=logout&key=wrong",
        "action=logout&key=%FF",
        "action=logout&logout=logout",
        "logout=logout",
    ],
)
def test_without_the_key_nobody_is_logged_out(query, wiki, store, log_in) -> None:
    reader = wiki.reader(log_in())
    answer = reader.get(f"/Home?{query}")
    if answer.status == 303:
        assert sent_to(answer) == (f"{SITE}leave/", {"next": f"{wiki.url}/Home"})
    assert live(store, reader.site_cookie)
    assert reader.name() == "sally"


def test_where_redis_has_forgotten_its_scripts_sessions_are_read_all_the_same_and_the_site_ends_them(
    wiki, store, raw, log_in
) -> None:
    reader = wiki.reader(log_in())
    out = link(reader, "logout")
    raw.script_flush()
    assert reader.name() == "sally"
    target, fields = sent_to(reader.get(out))
    assert target == f"{SITE}leave/"
    assert "key" in fields
    raw.delete(store.keys.shards[0].session(parse_token(reader.site_cookie).sid))
    assert reader.name() is None


@pytest.mark.leaves_mess
def test_reading_in_the_wiki_is_activity(wiki, store, raw) -> None:
    token = make_token(b"the site's", make_nonce(), 0, 0)
    assert store.open(token, Person("1", "sally"), age=3_600_000, idle=100_000).lives
    key = store.keys.shards[0].session(token.sid)
    store.run(verbs.check(store.keys.shards[0], token.sid, age=None, place="site"))  # so that Redis knows the script
    raw.pexpire(key, 50_000)
    assert wiki.reader(token.value).name() == "sally"
    assert raw.pttl(key) > 90_000


def test_a_log_out_while_redis_is_away_is_the_sites_to_do(make_wiki) -> None:
    with RedisServer() as redis:
        wiki = make_wiki(redis=redis, method={"site_url": SITE, "redis_timeout": 0.3})
        token = make_token(b"the site's", make_nonce(), 0, 0)
        redis.stop()
        target, fields = sent_to(wiki.reader(token.value).get(f"/Home?action=logout&key={token.logout_key}"))
    assert target == f"{SITE}leave/"
    assert fields["key"] == token.logout_key
