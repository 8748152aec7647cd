from __future__ import annotations

from django.core.management import call_command
from django.db import connections

from .databases import ALIAS


def test_the_tables_can_be_taken_back_and_made_again(database):
    call_command("migrate", "django_hooks", "zero", database=ALIAS, verbosity=0)
    with connections[ALIAS].cursor() as cursor:
        assert not [name for name in connections[ALIAS].introspection.table_names(cursor) if "django_hooks" in name]
    call_command("migrate", "django_hooks", database=ALIAS, verbosity=0)
