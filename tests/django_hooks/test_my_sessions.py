"""My sessions: what is shown, what is ended, and whom it is refused."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_login_failed
from django.contrib.auth.views import PasswordChangeView
from django.http import HttpRequest
from django.test import AsyncClient, Client
from django.urls import re_path
from django.utils import timezone

from django_hooks.models import AuditEvent, AuditFollower
from session_store import Person, Store, parse_token
from tests.servers import free_port
from tests.session_store.samples import history, opened, ref_of

from . import urls
from .conftest import NAME, Browser, ends_of

PAGE = "/sso/sessions/"
OTHERS = PAGE + "end-others/"
CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Mobile Safari/537.36"
PHONE = f"Mozilla/5.0 (Linux; Android 14; Pixel 8) {CHROME}"
MARKUP = "<script>alert(1)</script>\"'><img src=x> Firefox/9"


def sid_of(browser: Browser) -> str:
    token = parse_token(browser.wiki_cookie)
    assert token
    return token.sid


def end_url(browser: Browser, by: Browser) -> str:
    """Return where one browser's page says that another's session is ended."""
    (link,) = re.findall(rf'href="([^"]*{sid_of(browser)}/end/[^"]*)"', by.get_text(PAGE))
    return link


def more(store: Store, people, number: int, **person) -> list:
    mine = str(people["sally"].pk)
    return [opened(store, Person(mine, "sally", **person)) for _ in range(number)]


class EverybodyIsHarry(ModelBackend):
    def authenticate(self, request, **_):  # noqa: ARG002 - as Django calls it
        return User.objects.get(username="harry")


class WithPasswordPage:
    """The site's addresses, with Django's own page for a new password."""

    urlpatterns = (*urls.urlpatterns, re_path(r"^password/new/$", PasswordChangeView.as_view(), name="password_change"))


@pytest.fixture
def two(browser: Browser, other_browser: Browser) -> tuple[Browser, Browser]:
    """Two browsers of sally's."""
    browser.log_in()
    other_browser.log_in()
    return browser, other_browser


def test_a_stranger_is_asked_to_log_in(browser: Browser):
    for path in (PAGE, OTHERS, f"{PAGE}{'x' * 22}/end/"):
        answer = browser.get(path)
        assert (answer.status_code, answer["Location"].split("?")[0]) == (302, "/login/")


def test_the_one_that_asks_is_marked_and_comes_first(two):
    browser, other = two
    cards = browser.get(PAGE).context["sessions"]
    assert [(card.ref.sid, card.current) for card in cards] == [(sid_of(browser), True), (sid_of(other), False)]
    assert browser.get_text(PAGE).count("This browser</span>") == 1


def test_a_session_says_what_is_known_of_it(browser: Browser, site: Store, people):
    browser.log_in()
    (token,) = more(site, people, 1, ip="192.0.2.7", user_agent=PHONE)
    site.check([token], place="wiki")
    text = browser.get_text(PAGE)
    for words in ("Chrome 130 on Android", "Pixel 8 · 192.0.2.7", "site and wiki", "in 59 minutes"):
        assert words in text.replace("\xa0", " ")


def test_of_others_nothing_is_shown(two, site: Store, people):
    theirs = opened(site, Person(str(people["harry"].pk), "harry", ip="198.51.100.9"))
    text = two[0].get_text(PAGE)
    assert theirs.sid not in text
    assert "198.51.100.9" not in text


@pytest.mark.unguarded
def test_a_page_with_twenty_sessions_takes_two_round_trips(browser: Browser, site: Store, people):
    browser.log_in()
    more(site, people, 19)
    browser.get(PAGE)
    before = _reads(site)
    assert len(browser.get(PAGE).context["sessions"]) == 20
    assert _reads(site) - before - 1 == 2


def _reads(site: Store) -> int:
    """How often Redis has got something to read, this question included."""
    return int(site.redis.info("stats")["total_reads_processed"])


def test_a_session_is_ended_on_every_side_after_it_was_asked_for(two):
    browser, other = two
    sid, url = sid_of(other), end_url(other, browser)
    assert "End this session?" in browser.get_text(url)
    assert other.wiki_name == "sally"
    assert browser.post(url)["Location"] == PAGE
    assert ends_of(browser.store) == [(sid, "revoked")]
    assert history(browser.store)[-1].actor == str(browser.get("/who/").wsgi_request.user.pk)
    assert other.wiki_name is None
    assert other.get_text("/who/") == ""
    assert browser.get_text("/who/") == "sally"


def test_what_was_done_is_told_once(two):
    browser, other = two
    browser.post(end_url(other, browser))
    assert "The session was ended." in browser.get_text(PAGE)
    assert "The session was ended." not in browser.get_text(PAGE)


def test_all_others_are_ended_and_this_one_stays(two, site: Store, people):
    browser, other = two
    more(site, people, 3)
    kept, theirs = sid_of(browser), opened(site, Person(str(people["harry"].pk), "harry"))
    assert "4 other browsers are" in browser.get_text(OTHERS)
    browser.post(OTHERS)
    assert "4 other sessions were ended." in browser.get_text(PAGE)
    assert {session.ref.sid for session in site.sessions()} == {kept, theirs.sid}
    assert {reason for _, reason in ends_of(site)} == {"revoked"}
    assert other.get_text("/who/") == ""


def test_to_end_this_one_is_to_log_out(browser: Browser):
    browser.log_in()
    sid = sid_of(browser)
    for method in (browser.get, browser.post):
        assert method(f"{PAGE}{sid}/end/")["Location"] == "/sso/leave/"
    assert browser.wiki_name == "sally"
    browser.post("/sso/leave/")
    assert ends_of(browser.store) == [(sid, "logout")]


@pytest.mark.parametrize("key", ["", "?key=", "?key=" + "0" * 32, "?key=%C3%A9"])
def test_the_session_of_another_is_not_found_lives_on_and_the_log_names_who_asked(
    two, site: Store, people, caplog, key: str
):
    theirs = opened(site, Person(str(people["harry"].pk), "harry"))
    for method in (two[0].get, two[0].post):
        assert method(f"{PAGE}{theirs.sid}/end/{key}").status_code == 404
    assert site.read(theirs) is not None
    said = [record.getMessage() for record in caplog.records if record.name.startswith("django_hooks")]
    assert len(said) == 2
    assert f"user {people['sally'].pk} asked for session {theirs.sid}" in said[0]


def test_a_key_of_ones_own_page_finds_nothing_of_another(two, site: Store, people):
    browser, other = two
    key = end_url(other, browser).partition("?")[2]
    theirs = opened(site, Person(str(people["harry"].pk), "harry"))
    assert browser.post(f"{PAGE}{theirs.sid}/end/?{key}").status_code == 404


@pytest.mark.parametrize("name", ["x", "x" * 23, "../../admin", "%00" * 22, "é" * 22])
def test_what_is_no_session_id_is_not_found(browser: Browser, name: str):
    browser.log_in()
    assert browser.get(f"{PAGE}{name}/end/").status_code == 404


def test_a_session_that_ended_while_it_was_looked_at_ends_once_and_the_answer_is_friendly(two):
    browser, other = two
    url, sid = end_url(other, browser), sid_of(other)
    browser.get(url)
    other.post("/sso/leave/")
    for method in (browser.get, browser.post):
        assert method(url)["Location"] == PAGE
        assert "had just ended" in browser.get_text(PAGE)
    assert ends_of(browser.store) == [(sid, "logout")]


def test_a_session_that_ends_between_being_found_and_being_ended_ends_once(two, monkeypatch):
    browser, other = two
    url, token, store = end_url(other, browser), parse_token(other.wiki_cookie), browser.store

    def found_and_gone(request: HttpRequest):
        found = live_sessions(request)
        store.end(ref_of(token), "logout")
        return found

    from django_hooks.my_sessions import listing

    live_sessions = listing.live_sessions
    monkeypatch.setattr(listing, "live_sessions", found_and_gone)
    browser.post(url)
    monkeypatch.undo()
    assert "had just ended" in browser.get_text(PAGE)
    assert ends_of(store) == [(token.sid, "logout")]


def test_a_form_without_its_token_ends_nothing(two):
    browser, other = two
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = browser.cookies
    for url in (end_url(other, browser), OTHERS):
        assert strict.post(url).status_code == 403
    assert ends_of(browser.store) == []
    asked = strict.get(OTHERS)
    assert strict.post(OTHERS, {"csrfmiddlewaretoken": asked.context["csrf_token"]}).status_code == 302


@pytest.mark.parametrize("method", ["put", "delete", "patch"])
def test_other_methods_end_nothing(two, method: str):
    browser, other = two
    assert getattr(browser, method)(end_url(other, browser)).status_code == 405
    assert getattr(browser, method)(PAGE).status_code == 405


def test_while_redis_is_away_the_pages_say_so_and_stay_up(two, settings, site, people):
    browser, other = two
    url = end_url(other, browser)
    AuditFollower.objects.create(name="table", token="t")
    add_end(people["sally"], reason="expired")
    settings.WIKI_REDIS_URL = f"redis://:secret-word@127.0.0.1:{free_port()}/0"
    page = browser.get(PAGE)
    assert page.status_code == 200
    assert "be shown just now" in page.content.decode()
    assert "Its time was over" in page.content.decode()
    for path in (url, OTHERS):
        for method in (browser.get, browser.post):
            answer = method(path)
            assert answer.status_code == 503
            assert "secret-word" not in answer.content.decode()
    settings.WIKI_REDIS_URL = site.config.redis_url
    assert ends_of(site) == []


@pytest.mark.parametrize("agent", [MARKUP, "A" * 10_000, PHONE.replace("Pixel 8", MARKUP), "\u202e\x01" * 50, ""])
def test_whatever_a_browser_calls_itself_the_page_stays_in_shape(browser: Browser, site, people, agent: str):
    browser.log_in()
    more(site, people, 1, user_agent=agent)
    AuditFollower.objects.create(name="table", token="t")
    add_end(people["sally"], user_agent=agent[:512])
    text = browser.get_text(PAGE)
    assert "<script" not in text
    assert "<img" not in text
    assert len(text) < 15_000


def add_end(user, **fields) -> AuditEvent:
    now = timezone.now()
    values = {"sid": f"s{AuditEvent.objects.count():021}", "action": "end", "at": now, "reason": "logout"}
    values |= {"user_id": str(user.pk), "started_at": now - timedelta(hours=2), "stored_at": now}
    return AuditEvent.objects.create(**{**values, **fields})


def test_what_ended_in_the_last_four_weeks_is_shown_with_its_reason(browser: Browser, people):
    browser.log_in()
    AuditFollower.objects.create(name="table", token="t")
    sally = people["sally"]
    now = timezone.now()
    add_end(sally, reason="revoked", actor=str(sally.pk), user_agent=PHONE)
    add_end(sally, reason="revoked", actor="999")
    add_end(sally, reason="expired", at=now - timedelta(days=27))
    add_end(sally, reason="of a later version", at=now - timedelta(days=1))
    add_end(sally, reason="limit", at=now - timedelta(days=29))
    add_end(people["harry"], reason="account_disabled")
    text = browser.get_text(PAGE)
    for words in ("Ended by you", "Ended by an administrator", "Its time was over", "of a later version", "Pixel 8"):
        assert words in text
    assert "Too many sessions" not in text
    assert "account was disabled" not in text


def test_where_nobody_writes_down_what_ended_the_page_says_so(browser: Browser):
    browser.log_in()
    assert "does not write down what has ended" in browser.get_text(PAGE)
    AuditFollower.objects.create(name="table", token="t")
    text = browser.get_text(PAGE)
    assert "does not write down" not in text
    assert "None of your sessions has ended." in text


class TestARecentPassword:
    @pytest.fixture
    def two(self, two, settings):
        settings.WIKI_SESSIONS_PASSWORD_AGE = 60
        return two

    def test_is_asked_for_where_the_log_in_is_long_ago(self, two):
        browser, other = two
        url = end_url(other, browser)
        assert 'name="password"' in browser.get_text(url)
        for given in ({}, {"password": ""}, {"password": "wrong"}):
            answer = browser.post(url, given)
            assert answer.status_code == 200
            assert "That is not your password." in answer.content.decode()
        browser.post(OTHERS, {"password": "wrong"})
        assert ends_of(browser.store) == []
        assert browser.post(url, {"password": "surf"}).status_code == 302
        assert [reason for _, reason in ends_of(browser.store)] == ["revoked"]

    def test_that_is_wrong_counts_as_a_failed_log_in_and_none_does_not(self, two):
        browser, _other = two
        failed = []

        def note(sender, **words):
            failed.append(words["credentials"]["username"])

        user_login_failed.connect(note)
        try:
            browser.post(OTHERS)
            assert failed == []
            browser.post(OTHERS, {"password": "wrong"})
        finally:
            user_login_failed.disconnect(note)
        assert failed == ["sally"]

    def test_counts_for_a_while(self, two, settings):
        browser, other = two
        browser.post(end_url(other, browser), {"password": "surf"})
        assert 'name="password"' not in browser.get_text(OTHERS)
        settings.WIKI_SESSIONS_PASSWORD_AGE = 0.01
        assert 'name="password"' in browser.get_text(OTHERS)

    def test_is_not_asked_for_just_after_a_log_in(self, two):
        browser, other = two
        browser.post("/sso/leave/")
        browser.log_in()
        assert 'name="password"' not in browser.get_text(end_url(other, browser))

    def test_of_who_has_none_is_a_new_log_in(self, two, people):
        browser, other = two
        url = end_url(other, browser)
        people["sally"].set_unusable_password()
        people["sally"].save()
        browser.force_login(people["sally"])
        session = browser.session
        del session["_wiki_proved"]
        session.save()
        assert "log in again" in browser.get_text(OTHERS)
        assert browser.post(OTHERS).status_code == 200
        assert browser.post(url).status_code == 200
        assert not [reason for _, reason in ends_of(browser.store) if reason == "revoked"]

    def test_that_is_another_users_is_wrong(self, two, people):
        people["harry"].set_password("harrys")
        people["harry"].save()
        browser, other = two
        assert browser.post(end_url(other, browser), {"password": "harrys"}).status_code == 200

    def test_that_proves_somebody_else_is_wrong(self, two, settings):
        browser, other = two
        url = end_url(other, browser)
        settings.AUTHENTICATION_BACKENDS = [f"{__name__}.EverybodyIsHarry", *settings.AUTHENTICATION_BACKENDS]
        assert browser.post(url, {"password": "any"}).status_code == 200
        assert other.wiki_name == "sally"


def test_the_pages_are_not_kept_and_not_framed(two):
    browser, other = two
    for path in (PAGE, OTHERS, end_url(other, browser)):
        answer = browser.get(path)
        assert "no-store" in answer["Cache-Control"]
        assert answer["X-Frame-Options"] == "DENY"


def test_nothing_in_the_pages_needs_more_than_the_strictest_policy(two):
    browser, other = two
    for path in (PAGE, OTHERS, end_url(other, browser), "/sso/leave/"):
        assert not re.search(r"<script|<style|\sstyle=|\son\w+=|javascript:", browser.get_text(path))


def test_nobodys_cookie_is_on_a_page(two):
    browser, other = two
    for path in (PAGE, end_url(other, browser)):
        text = browser.get_text(path)
        assert browser.cookies[NAME].value not in text
        assert other.cookies[NAME].value not in text


def test_a_site_without_time_zones_shows_them_too(two, settings, people):
    settings.USE_TZ = False
    add_end(people["sally"], at=datetime.now(UTC).replace(tzinfo=None))
    assert two[0].get(PAGE).status_code == 200


def test_the_site_may_be_one_without_a_wiki(browser: Browser, settings):
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "WikiMiddleware" not in name]
    browser.log_in()
    assert browser.get(PAGE).status_code == 200


def test_where_the_site_keeps_its_own_log_ins_the_pages_speak_of_the_wiki_alone(two, settings):
    settings.WIKI_SINGLE_SIGN_OUT = False
    browser, other = two
    url = end_url(other, browser)
    for path in (url, OTHERS):
        text = browser.get_text(path)
        assert "out of the wiki" in text
        assert "out of the site" not in text
    browser.post(url)
    assert "Its browser is logged out of the wiki." in browser.get_text(PAGE)
    assert (other.get_text("/who/"), other.wiki_name) == ("sally", None)


def test_where_the_app_is_switched_off_redis_is_not_asked(two, settings):
    browser, other = two
    url = end_url(other, browser)
    settings.WIKI_ENABLED = False
    settings.WIKI_REDIS_URL = f"redis://127.0.0.1:{free_port()}/0"
    assert "switched off" in browser.get_text(PAGE)
    assert browser.get(url).status_code == 302
    assert browser.post(OTHERS).status_code == 302


def test_it_works_under_asgi(two, people):
    async_to_sync(_walk)(two[0].store)


async def _walk(store: Store) -> None:
    browser, other = AsyncClient(), AsyncClient()
    for each in (browser, other):
        assert await each.alogin(username="sally", password="surf")
        await each.get("/who/")
    sid = parse_token(other.cookies[NAME].value).sid
    assert (await browser.post(f"{PAGE}{sid}/end/"))["Location"] == PAGE
    assert sid in dict(ends_of(store))
    assert (await other.get("/who/")).content == b""
    assert (await browser.get("/who/")).content == b"sally"


def test_many_are_shown_too(browser: Browser, site: Store, people):
    browser.log_in()
    more(site, people, 300)
    assert len(browser.get(PAGE).context["sessions"]) == 301


def test_the_page_links_to_the_sites_page_for_a_new_password_where_there_is_one(browser, settings):
    browser.log_in()
    assert "Change the password" not in browser.get_text(PAGE)
    settings.ROOT_URLCONF = WithPasswordPage
    assert '<a href="/password/new/">Change the password</a>' in browser.get_text(PAGE)
