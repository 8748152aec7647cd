"""Groups of the site's count in the access rules of MoinMoin 1.9, where its configuration says so."""

from __future__ import annotations

from session_store import Person
from tests.moin19.wikis import put


def may_edit(reader) -> bool:
    return 'name="savetext"' in reader.get("/NewPage?action=edit").text


def test_who_is_in_a_group_on_the_site_has_its_rights_until_he_leaves_it(make_wiki, store, log_in, tmp_path) -> None:
    put(tmp_path, "EditorGroup", " * dora\n")
    wiki = make_wiki(
        tmp_path,
        method={"groups": {"Wiki editors": "EditorGroup"}, "bind": {"dora": 4}},
        config={"acl_rights_before": "EditorGroup:read,write", "acl_rights_default": "All:read"},
    )
    editor = wiki.reader(log_in("anna", "1", groups=("Wiki editors",)))
    assert may_edit(editor)
    assert not may_edit(wiki.reader(log_in("bert", "2", groups=("EditorGroup", "All"))))
    assert not may_edit(wiki.reader())
    store.update_user(Person("1", "anna"))
    assert not may_edit(editor)
    assert may_edit(wiki.reader(log_in("dora", "4")))
