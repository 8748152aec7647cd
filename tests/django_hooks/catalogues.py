"""The app's texts and their translations: ``make messages`` brings the catalogues up to date; tests look at them."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from gettext import GNUTranslations
from pathlib import Path
from typing import Any

import django
from babel.messages import Catalog
from babel.messages.extract import extract_from_file
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.template import Context, Engine, Template
from django.template.base import NodeList
from django.templatetags.i18n import BlockTranslateNode, TranslateNode

APP = Path(__file__).parents[2] / "django_hooks"
LANGUAGES = ("de", "fr")
KEYWORDS = {"_": None, "gettext": None, "gettext_lazy": None, "ngettext": (1, 2), "ngettext_lazy": (1, 2)}

Message = str | tuple[str, str]


def messages() -> dict[Message, list[str]]:
    """Return every text of the app that is translated, and where it stands."""
    found: dict[Message, list[str]] = {}
    for path in sorted(APP.rglob("*.py")):
        for _, message, _, _ in extract_from_file("python", path, keywords=KEYWORDS):
            found.setdefault(message, []).append(path.relative_to(APP.parent).as_posix())
    for path in sorted(APP.rglob("*.html")):
        for message in _in_template(path.read_text()):
            found.setdefault(message, []).append(path.relative_to(APP.parent).as_posix())
    return found


def read(language: str) -> Catalog:
    """Return a language's catalogue."""
    with _path(language, "po").open("rb") as file:
        return read_po(file, locale=language, domain="django")


def texts_in(binary: bytes) -> dict[Any, str]:
    """Return what Django takes from a catalogue: texts and translations, without the header."""
    found = GNUTranslations(io.BytesIO(binary))._catalog
    return {message: text for message, text in found.items() if message}


def to_binary(catalogue: Catalog) -> bytes:
    """Return a catalogue as Django loads it."""
    out = io.BytesIO()
    write_mo(out, catalogue)
    return out.getvalue()


def shipped(language: str) -> bytes:
    """Return what Django loads today."""
    return _path(language, "mo").read_bytes()


def _path(language: str, kind: str) -> Path:
    return APP / "locale" / language / "LC_MESSAGES" / f"django.{kind}"


def _in_template(source: str) -> Iterator[Message]:
    yield from _in_nodes(Template(source, engine=_engine()).nodelist)


def _engine() -> Engine:
    from django.template import engines

    return engines["django"].engine


def _in_nodes(nodes: NodeList) -> Iterator[Message]:
    for node in nodes:
        if isinstance(node, TranslateNode):
            yield node.filter_expression.resolve(Context()) if node.noop else node.filter_expression.var.literal
        elif isinstance(node, BlockTranslateNode):
            singular = node.render_token_list(node.singular)[0]
            yield (singular, node.render_token_list(node.plural)[0]) if node.plural else singular
        for name in node.child_nodelists:
            yield from _in_nodes(getattr(node, name, None) or NodeList())
        for _, branch in getattr(node, "conditions_nodelists", ()):
            yield from _in_nodes(branch)


def main() -> None:
    """Bring every catalogue up to date: new texts come in empty, old ones go; then compile it."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.django_hooks.settings")
    django.setup()
    template = Catalog(domain="django")
    for message, places in messages().items():
        template.add(message, locations=[(place, None) for place in sorted(set(places))])
    for language in LANGUAGES:
        path = _path(language, "po")
        path.parent.mkdir(parents=True, exist_ok=True)
        catalogue = read(language) if path.exists() else Catalog(locale=language, domain="django")
        made = catalogue.creation_date
        catalogue.update(template, no_fuzzy_matching=True)
        catalogue.creation_date = made  # so that nothing changes where no text has
        catalogue.obsolete.clear()
        catalogue.fuzzy = False
        catalogue.header_comment = f"# {catalogue.locale.english_name} for django-moin-sso."
        catalogue.project, catalogue.version = "django-moin-sso", "0"
        catalogue.msgid_bugs_address = catalogue.last_translator = catalogue.language_team = ""
        with path.open("wb") as file:
            write_po(file, catalogue, width=110, omit_header=False, include_lineno=False)
        _path(language, "mo").write_bytes(to_binary(catalogue))


if __name__ == "__main__":
    main()
