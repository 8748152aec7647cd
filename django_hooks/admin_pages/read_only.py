"""What the admin shows and does not change."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg] # the parameter is for type checkers alone
    """Rows that come and go by other ways than the admin's."""

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002 - the admin's signature
        """Nobody adds one."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        """Nobody changes one."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        """Nobody deletes one."""
        return False
