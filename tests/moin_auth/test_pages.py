"""Our own pages in the wiki's theme."""

from __future__ import annotations

import re

import pytest

from .test_login import SITE, THEMES


@pytest.fixture(scope="module")
def lasting_wiki(make_lasting_wiki):
    return make_lasting_wiki(site_url=SITE)


@pytest.mark.parametrize("theme", THEMES)
def test_each_has_its_heading_as_its_title(lasting_wiki, people, theme):
    lasting_wiki.app.cfg.theme_default = theme
    for token in (None, people()):
        reader = lasting_wiki.reader(token)
        for path in ("/+register", "/+logout", "/+login?returned=1"):
            text = reader.get(path).text
            if token is None or "login" not in path:  # who is logged in is led on from there
                (heading,) = re.findall(r"<h1>(.*?)</h1>", text)
                assert re.search(rf"<title>\s*{re.escape(heading)} -", text), path
