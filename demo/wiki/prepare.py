"""Make the wiki and its first pages: ``python -m demo.wiki.prepare``."""

from __future__ import annotations

import os
import shutil
from io import BytesIO
from pathlib import Path

from flask import Flask
from moin.app import create_app_ext
from moin.constants.itemtypes import ITEMTYPE_DEFAULT
from moin.constants.keys import COMMENT, CONTENTTYPE, ITEMTYPE, NAME, NAMESPACE, REV_NUMBER

HERE = Path(__file__).resolve().parent


def main() -> None:
    """Make the instance beside its place and move it there when it is whole: never leave half of one."""
    place = Path(os.environ["DEMO_VAR"]) / "wiki"
    draft = place.with_name("wiki.new")
    shutil.rmtree(draft, ignore_errors=True)
    (draft / "local").mkdir(parents=True)
    os.environ["DEMO_WIKI_INSTANCE"] = str(draft)
    _fill()
    draft.rename(place)


def _fill() -> None:
    app = create_app_ext(HERE / "wikiconfig.py", create_backend=True)
    with app.app_context():
        for page in sorted((HERE / "pages").glob("*.moin")):
            _put(app, page)
    app.deinit_backends()


def _put(app: Flask, page: Path) -> None:
    meta = {
        NAME: [page.stem],
        NAMESPACE: "",
        ITEMTYPE: ITEMTYPE_DEFAULT,
        CONTENTTYPE: "text/x.moin.wiki;charset=utf-8",
        COMMENT: "made with the wiki",
        REV_NUMBER: 1,
    }
    text = page.read_text(encoding="utf-8").replace("\n", "\r\n")  # as browsers send it
    app.storage[page.stem].store_revision(meta, BytesIO(text.encode()), name=page.stem)


if __name__ == "__main__":
    main()
