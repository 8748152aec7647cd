"""Members who have a number instead of a name, a mail box instead of an address, and a UUID as a key."""

from __future__ import annotations

import uuid

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models


class Members(BaseUserManager):
    """Makes members."""


class Member(AbstractBaseUser):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    number = models.IntegerField(unique=True)
    mail = models.EmailField(null=True)
    nick = models.CharField(max_length=20, blank=True)
    is_active = models.BooleanField(default=True)
    karma = models.IntegerField(default=0)

    objects = Members()

    USERNAME_FIELD = "number"
    EMAIL_FIELD = "mail"

    def get_full_name(self):
        return self.nick


class Trainer(Member):
    """A member by a table of its own."""

    sport = models.CharField(max_length=20)


class Guest(Member):
    """A member by another name."""

    class Meta:
        proxy = True


class Router:
    """Members are in a database of their own, which has no table of ours."""

    def db_for_read(self, model, **_):
        return "people" if model._meta.app_label == "custom_site" else "default"

    db_for_write = db_for_read

    def allow_relation(self, *_, **__):
        return True

    def allow_migrate(self, db, app_label, **_):
        return (app_label == "custom_site") == (db == "people")
