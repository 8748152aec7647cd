"""``{% load whos_online %}``: who is online, as a list, as data, and as a plot of the last day."""

from __future__ import annotations

from typing import Any

from django import template
from django.template import Context
from django.utils.safestring import SafeString
from django.utils.timezone import get_current_timezone

from ..whos_online.listing import Listing
from ..whos_online.listing import get_whos_online as read
from ..whos_online.plot import draw
from ..whos_online.sending import ask_history

register = template.Library()


@register.inclusion_tag("django_hooks/whos_online.html", takes_context=True)
def whos_online(context: Context, limit: int = 25, order: str = "recent") -> dict[str, Any]:
    """Show who is online, by the template ``django_hooks/whos_online.html``; nothing where Redis is away."""
    return {"online": get_whos_online(context, limit, order)}


@register.simple_tag(takes_context=True)
def get_whos_online(context: Context, limit: int = 25, order: str = "recent") -> Listing | None:
    """Give the template a `Listing`; None where Redis is away."""
    # A RequestContext knows its request, whether or not a context processor has named it.
    request = getattr(context, "request", None) or context.get("request")
    return read(request, user=context.get("user"), limit=limit, order=order)


@register.simple_tag
def whos_online_plot() -> SafeString | str:
    """Draw how many were online in the last 24 hours; nothing where Redis is away."""
    history = ask_history()
    return draw(*history, get_current_timezone()) if history else ""
