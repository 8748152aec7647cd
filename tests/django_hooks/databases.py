"""Databases of their own for the audit table, beside the site's: commits are real there."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.db import connections

from tests.mariadb import MariaDBServer
from tests.postgres import PostgresServer

ALIAS = "audit"


class ToAudit:
    """A router that keeps the app's tables in a database of their own."""

    def db_for_read(self, model, **_):
        return ALIAS if model._meta.app_label == "django_hooks" else None

    def db_for_write(self, model, **_):
        return self.db_for_read(model)

    def allow_migrate(self, db, app_label, **_):
        return (db == ALIAS) == (app_label == "django_hooks")


@dataclass
class Database:
    """A database; `settings` is what a process of its own needs to reach it."""

    settings: dict[str, Any]

    @property
    def vendor(self) -> str:
        return self.settings["ENGINE"].rpartition(".")[2]


def sqlite(directory: Path) -> Database:
    return Database({"ENGINE": "django.db.backends.sqlite3", "NAME": str(directory / "audit.sqlite3")})


def postgresql(server: PostgresServer) -> Database:
    """A new database on a server."""
    import psycopg

    with psycopg.connect(host=server.host, user="tests", dbname="postgres", autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS audit WITH (FORCE)")
        connection.execute("CREATE DATABASE audit")
    return Database({"ENGINE": "django.db.backends.postgresql", "NAME": "audit", "USER": "tests", "HOST": server.host})


def mariadb(server: MariaDBServer) -> Database:
    """A new database on a server."""
    import pymysql

    # Django knows MySQL's client by this name; the one in plain Python needs nothing compiled.
    pymysql.install_as_MySQLdb()
    with pymysql.connect(unix_socket=server.address, user="tests") as connection, connection.cursor() as cursor:
        cursor.execute("DROP DATABASE IF EXISTS audit")
        cursor.execute("CREATE DATABASE audit CHARACTER SET utf8mb4")
    return Database({"ENGINE": "django.db.backends.mysql", "NAME": "audit", "USER": "tests", "HOST": server.address})


@contextlib.contextmanager
def routed(database: Database, settings: Any) -> Iterator[None]:
    """Have this process keep the app's tables in it, migrated."""
    connections.databases[ALIAS] = connections.configure_settings({"default": {}, ALIAS: database.settings})[ALIAS]
    settings.DATABASE_ROUTERS = [ToAudit()]
    try:
        call_command("migrate", "django_hooks", database=ALIAS, verbosity=0)
        yield
    finally:
        connections[ALIAS].close()
        del connections[ALIAS]
        del connections.databases[ALIAS]
