"""What the site says of a user is shown in the wiki's settings, and no form changes it."""

from __future__ import annotations

import re
from urllib.parse import urljoin

import pytest
from moin.auth import GivenAuth
from moin.constants.keys import CSS_FILE, DISABLED, DISPLAY_NAME, EMAIL, ENC_PASSWORD, NAME

from moin_auth.settings_page import FORMS_OF_THE_SITE, LOCKED
from session_store import ConfigurationError

from .conftest import Wiki
from .test_login import SITE, THEMES

PERSONAL = {"part": "personal", "timezone": "Europe/Berlin", "locale": "en"}
FORGED = {
    "name": "harry, boss",
    "display_name": "The Boss",
    "email": "boss@example.org",
    "css_file": "boss.css",
    "enc_password": "x",
    "password1": "Xiwejr622!",
    "password2": "Xiwejr622!",
    "password_current": "",
    "email_unvalidated": "boss@example.org",
    "recoverpass_key": "x",
}


@pytest.fixture(scope="module")
def lasting_wiki(make_lasting_wiki) -> Wiki:
    return make_lasting_wiki(site_url=SITE)


@pytest.fixture
def wiki(lasting_wiki, store) -> Wiki:
    return lasting_wiki


@pytest.fixture
def sally(wiki, people):
    """A user of the site whose display name MoinMoin's own form would not take."""
    reader = wiki.reader(people("sally", email="sally@example.org", display_name="Sally <Surf> & Co."))
    reader.get("/Home")
    return reader


def profile(wiki: Wiki) -> dict:
    (found,) = [profile for profile in wiki.profiles() if "sally" in profile[NAME]]
    return found


def locked(wiki: Wiki) -> dict:
    return {name: profile(wiki).get(name) for name in LOCKED}


def test_they_show_what_is_the_sites_and_where_to_change_it(wiki, sally):
    text = sally.get("/+usersettings").text
    assert re.search(r'value="sally" disabled', text)
    assert re.search(r'value="Sally &lt;Surf&gt; &amp; Co." disabled', text)
    assert re.search(r'type="email" value="sally@example.org" disabled', text)
    assert 'href="https://www.example.org/">Change them there' in text


def test_they_offer_no_form_for_it(wiki, sally):
    text = sally.get("/+usersettings").text
    names = set(re.findall(r'name="(\w+)"', text))
    assert not names & {*LOCKED, "password_current", "password1", "password2"}
    assert names > {"timezone", "locale", "theme_name", "edit_rows", "quicklinks", "subscriptions", "disabled"}
    assert not re.search(
        r"password", re.search(r'<div id="moin-usersettings">.*', text, re.DOTALL)[0].split("<script")[0]
    )


def test_they_stay_usable_in_every_theme(wiki, sally):
    theme = wiki.app.cfg.theme_default
    for name in THEMES:
        wiki.app.cfg.theme_default = name
        text = sally.get("/+usersettings").text
        assert text.count('class="moin-tab-body') == 5
        assert "sally@example.org" in text
    wiki.app.cfg.theme_default = theme


@pytest.mark.parametrize("answer", ["text/html", "application/json"])
def test_what_is_the_readers_own_can_be_changed(wiki, sally, answer):
    for form in (
        PERSONAL,
        {"part": "ui", "theme_name": "focus", "edit_rows": "33", "results_per_page": "7"},
        {"part": "quicklinks", "quicklinks": "https://example.org/"},
        {"part": "options", "iso_8601": "1"},
        {"part": "subscriptions", "subscriptions": "tags::sea"},
    ):
        response = sally.post("/+usersettings", data=form, headers={"Accept": answer})
        assert response.status_code == 200
        assert "Your changes have been saved." in response.text or answer == "text/html"
    after = profile(wiki)
    assert (after["timezone"], after["locale"], after["theme_name"]) == ("Europe/Berlin", "en", "focus")
    assert (after["edit_rows"], after["results_per_page"]) == (33, 7)
    assert (after["quicklinks"], after["subscriptions"], after["iso_8601"]) == (
        ["https://example.org/"],
        ["tags::sea"],
        True,
    )
    sally.post("/+usersettings", data={"part": "ui", "theme_name": "", "edit_rows": "0", "results_per_page": "0"})


@pytest.mark.parametrize("answer", ["text/html", "application/json"])
@pytest.mark.parametrize("part", ["personal", "ui", "notification", "password", "options", "quicklinks", "x", ""])
def test_a_forged_form_changes_nothing_of_the_sites(wiki, sally, part, answer):
    before = locked(wiki)
    form = {**PERSONAL, **FORGED, "edit_rows": "0", "results_per_page": "0", "quicklinks": "", "part": part}
    response = sally.post("/+usersettings", data=form, headers={"Accept": answer})
    assert response.status_code in {200, 403}
    assert locked(wiki) == before
    assert before[EMAIL] == "sally@example.org"
    assert not before[ENC_PASSWORD]
    assert not before[CSS_FILE]
    assert wiki.name(sally) == before[DISPLAY_NAME]


def test_a_forged_form_that_repeats_its_fields_changes_nothing(wiki, sally):
    before = locked(wiki)
    for part in (["personal", "password"], ["ui", "notification"]):
        sally.post(
            "/+usersettings?part=password&name=boss", data={**PERSONAL, **FORGED, "part": part, "name": ["a", "b"]}
        )
    assert locked(wiki) == before


def test_the_forms_for_passwords_and_addresses_are_refused(wiki, sally):
    for part in ("password", "notification"):
        assert sally.post("/+usersettings", data={**FORGED, "part": part}).status_code == 403


def test_a_reader_may_still_disable_the_account(make_wiki, people, store):
    wiki = make_wiki(site_url=SITE)
    reader = wiki.reader(people())
    reader.get("/Home")
    reader.post("/+usersettings", data={"part": "options", "disabled": "1"})
    assert profile(wiki)[DISABLED] is True
    assert wiki.name(reader) is None


@pytest.mark.parametrize("who", ["sally", "stranger"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_accounts_and_passwords_are_nothing_that_the_wiki_makes(wiki, people, who, method):
    reader = wiki.reader(people() if who == "sally" else None)
    paths = ["/+register", "/+verifyemail", "/+lostpass", "/+recoverpass"]
    paths += ["/+admin/register_new_user", "/+admin/mail_recovery_token"]
    assert len(paths) == len(FORMS_OF_THE_SITE)
    before = len(wiki.profiles())
    for path in paths:
        form = {"username": "sally", "token": "x", "email": "x@example.org", "password1": "Xiwejr622!"}
        options = {"data": form} if method == "post" else {"query_string": form}
        response = getattr(reader, method)(path, **options)
        if path == "/+verifyemail" and method == "post":
            continue  # no such view: it is a page of that name
        assert response.status_code == 403
        assert "Accounts are kept on the site" in response.text
        assert 'href="https://www.example.org/"' in response.text
    assert len(wiki.profiles()) == max(before, who == "sally")


def test_an_account_of_the_wikis_own_keeps_moins_settings(make_wiki, store):
    wiki = make_wiki(site_url=SITE, allow_others=True, others=[GivenAuth(user_name="local", autocreate=True)])
    text = wiki.reader().get("/+usersettings").text
    assert 'name="password_current"' in text
    assert 'name="css_file"' in text
    assert "kept on the site" not in text
    wiki.reader().post("/+usersettings", data={**PERSONAL, "name": "local", "display_name": "Lo"})
    assert [found[DISPLAY_NAME] for found in wiki.profiles()] == ["Lo"]


def test_the_operators_own_template_comes_first(make_wiki, store, tmp_path):
    (tmp_path / "moin_auth").mkdir()
    (tmp_path / "moin_auth" / "off.html").write_text("Ask Rosie for an account.")
    wiki = make_wiki(site_url=SITE, config={"template_dirs": [str(tmp_path)]})
    assert wiki.reader().get("/+register").text == "Ask Rosie for an account."
    assert "that it belongs to" in make_wiki().reader().get("/+login").text


def test_they_link_to_the_page_where_the_site_lets_people_change_it(make_wiki, people):
    wiki = make_wiki(site_url=SITE, account_url="https://www.example.org/account/edit")
    text = wiki.reader(people("sally")).get("/+usersettings").text
    assert '<a href="https://www.example.org/account/edit">Change them there</a>' in text
    assert f'<a href="{urljoin(SITE, "/")}">Go to the site</a>' in wiki.reader(people("sally")).get("/+lostpass").text


@pytest.mark.parametrize("url", ["javascript:alert(1)", "//evil.example/", "account/", "https://u@www.example.org/"])
def test_that_page_must_be_one(make_wiki, url):
    with pytest.raises(ConfigurationError, match="WIKI_ACCOUNT_URL"):
        make_wiki(site_url=SITE, account_url=url)
