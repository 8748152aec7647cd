"""What began and ended, from the audit table: searched, filtered, and taken along as CSV."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path, reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from session_store import Reason

from ..devices import read_device
from ..models import AuditEvent
from ..people import user_id
from ..reasons import REASONS, say_why
from .export import stream_csv
from .read_only import ReadOnlyAdmin

#: Rows counted at most: to count millions takes a database seconds, for a number that nobody reads.
COUNTED = 100_000

#: What an address may ask of a row, beside searching.
LOOKUPS = {"action", "action__exact", "reason", "at__gte", "at__lt", "at__isnull"}

_log = logging.getLogger(__name__)


class ReasonFilter(admin.SimpleListFilter):
    """By reason; the reasons are known, so the table need not be searched for them."""

    title = _("reason")
    parameter_name = "reason"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002 - the admin's
        """Return the choices."""
        return [(reason.value, str(REASONS[reason])) for reason in Reason]

    def queryset(self, request: HttpRequest, queryset: QuerySet[AuditEvent]) -> QuerySet[AuditEvent]:  # noqa: ARG002
        """Narrow it down."""
        return queryset.filter(reason=self.value()) if self.value() else queryset


class BoundedPaginator(Paginator):  # type: ignore[type-arg] # the parameter is for type checkers alone
    """Counts no further than `COUNTED`."""

    @cached_property
    def count(self) -> int:
        """Return how many rows there are, or that bound."""
        rows: Any = self.object_list  # the admin gives it a query
        return int(rows.order_by()[:COUNTED].count())


class AuditEventAdmin(ReadOnlyAdmin):
    """Reads the table; nobody adds, changes or deletes a row here."""

    list_display = ("at", "action", "why", "user_name", "device", "ip", "lasted", "by")
    list_display_links = None
    list_filter = ("action", ReasonFilter, "at")
    search_fields = ("user_name", "=user_id", "=email", "ip__startswith", "user_agent", "=sid")
    search_help_text = _(
        "User, e-mail address, beginning of an IP address, part of the user agent, or the id of a session."
    )
    ordering = ("-at", "-id")
    list_per_page = 100
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # a count of all rows for each choice
    paginator = BoundedPaginator
    change_list_template = "admin/django_hooks/auditevent/change_list.html"

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:  # noqa: ARG002
        """Only what the filters ask for: the stock admin would let patterns and joins through."""
        return lookup in LOOKUPS

    @admin.display(description=_("reason"), ordering="reason")
    def why(self, row: AuditEvent) -> str:
        """Return the reason in words."""
        return say_why(row.reason) if row.reason else ""

    @admin.display(description=_("device"))
    def device(self, row: AuditEvent) -> str:
        """Return device and browser in words."""
        return str(read_device(row.user_agent)) if row.user_agent else ""

    @admin.display(description=_("duration"), ordering="duration")
    def lasted(self, row: AuditEvent) -> str:
        """Return how long it lasted, to the second."""
        return str(row.duration).partition(".")[0] if row.duration is not None else ""

    @admin.display(description=_("ended by"), ordering="actor")
    def by(self, row: AuditEvent) -> str:
        """Return who ended it: the name, or the id of a user who is gone."""
        return str(getattr(row, "actor_name", row.actor))

    def get_urls(self) -> list[URLPattern]:
        """Return the admin's own pages, and the export before them."""
        export = self.admin_site.admin_view(require_safe(self.export_view))
        return [path("export/", export, name="django_hooks_auditevent_export"), *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Show the list, with a link to the same as CSV."""
        query = request.GET.urlencode()
        return super().changelist_view(request, {"export_query": f"?{query}" if query else "", **(extra_context or {})})

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        """Return the list, its rows with the names of those who ended sessions."""
        changes = super().get_changelist_instance(request)
        _name_actors(list(changes.result_list))
        return changes

    def export_view(self, request: HttpRequest) -> HttpResponseBase:
        """Send what the list would show, all pages of it, as CSV."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            changes: ChangeList = super().get_changelist_instance(request)
        except IncorrectLookupParameters:
            return HttpResponseRedirect(
                reverse("admin:django_hooks_auditevent_changelist", current_app=self.admin_site.name)
            )
        asker: Any = request.user
        _log.warning(
            "user %s (%r) exports audit events: %r", user_id(asker), asker.get_username(), request.GET.urlencode()
        )
        return stream_csv(changes.get_queryset(request))


def _name_actors(rows: Sequence[AuditEvent]) -> None:
    """Say who the actors are, with one look at the users."""
    keys = [key for actor in {row.actor for row in rows if row.actor} if (key := _key(actor)) is not None]
    users = get_user_model()._default_manager.in_bulk(keys) if keys else {}
    names = {str(key): user.get_username() for key, user in users.items()}
    for row in rows:
        if row.actor in names:
            row.actor_name = names[row.actor]  # type: ignore[attr-defined] # for `by`


def _key(actor: str) -> Any:
    """Return an actor as a key of this site's users; None: it can be none, as with a name typed by hand."""
    field = get_user_model()._meta.pk
    try:
        key = field.to_python(actor)
        field.run_validators(key)
    except (ValueError, ValidationError):
        return None
    return key
