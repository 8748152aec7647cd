"""The live sessions, straight from Redis: searched, filtered, paged, and ended."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from session_store import StoreUnavailable

from ..conf import conf
from ..stores import get_store, note_unavailable
from . import acts, dashboard
from .asked import Asked
from .read_only import ReadOnlyAdmin
from .rows import to_rows

#: The permissions, as Django spells them.
VIEW, END = "django_hooks.view_livesession", "django_hooks.end_livesession"


class LiveSessionAdmin(ReadOnlyAdmin):
    """Shows what lives; nothing is added, changed or deleted, but sessions can be ended."""

    def get_urls(self) -> list[URLPattern]:
        """Return the pages: the list under the name that the admin's index links to, and our own."""
        name = "django_hooks_livesession_"
        return [
            path("", self._page(self.changelist_view), name=name + "changelist"),
            path("end/", self._page(require_POST(self.end_view)), name=name + "end"),
            path("dashboard/", self._page(require_safe(self.dashboard_view)), name=name + "dashboard"),
        ]

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        """Who may end sessions sees them too."""
        return request.user.has_perm(VIEW) or request.user.has_perm(END)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show a page of those that were asked for."""
        asked = Asked.read(request.GET)
        store = get_store()
        page = store.do(asked.search(store.keys))
        context = {
            "asked": asked,
            "page": page,
            "rows": to_rows(page.sessions, request),
            "total": store.count(),
            "next": asked.query_string(after=page.after) if page.after else None,
            **(extra_context or {}),
        }
        return self._render(request, "change_list", self.opts.verbose_name_plural, context)

    def end_view(self, request: HttpRequest) -> HttpResponse:
        """Ask once more, then end what was asked for."""
        if not request.user.has_perm(END):
            raise PermissionDenied
        act = acts.read(request)
        if act is None:
            messages.warning(request, _("No session was selected."))
            return self._back()
        if "confirmed" not in request.POST:
            sessions = act.sessions(get_store())
            context = {"act": act, "rows": to_rows(sessions, request), "count": len(sessions)}
            return self._render(request, "end", act.question, context)
        done = acts.carry_out(act, request)
        text = ngettext("%(count)d session was ended.", "%(count)d sessions were ended.", done.count)
        messages.success(request, text % {"count": done.count})
        if not done.complete:
            messages.warning(request, _("There are more; end them in a second step."))
        return self._back()

    def dashboard_view(self, request: HttpRequest) -> HttpResponse:
        """Show how things stand."""
        context = {"figures": dashboard.read_figures(get_store())}
        return self._render(request, "dashboard", _("How sessions stand"), context)

    def _page(self, view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        """Wrap a page: for those who may see it; where Redis is away it says so."""

        @wraps(view)
        def page(request: HttpRequest, **words: Any) -> HttpResponse:
            if not self.has_view_permission(request):
                raise PermissionDenied
            try:
                return view(request, **words)
            except StoreUnavailable as error:
                note_unavailable(error, "the admin can't see or end sessions")
                answer = self._render(request, "away", self.opts.verbose_name_plural, {"error": error})
                answer.status_code = 200 if request.method == "GET" else 503
                return answer

        return self.admin_site.admin_view(page)

    def _render(self, request: HttpRequest, name: str, title: Any, context: dict[str, Any]) -> TemplateResponse:
        request.current_app = self.admin_site.name  # as the admin's own pages do
        whole = {
            **self.admin_site.each_context(request),
            "title": capfirst(title),
            "opts": self.opts,
            "single": conf.single_sign_out,
            "may_end": request.user.has_perm(END),
            **context,
        }
        return TemplateResponse(request, f"admin/django_hooks/livesession/{name}.html", whole)

    def _back(self) -> HttpResponseRedirect:
        return HttpResponseRedirect(
            reverse("admin:django_hooks_livesession_changelist", current_app=self.admin_site.name)
        )
