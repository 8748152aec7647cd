"""Pages that show who is online, and such as don't ask who is there."""

from django.contrib.auth import alogin, get_user_model
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.urls import path

from tests.django_hooks.urls import enter, flush, leave, save, untouched, who

PAGE = """{% load whos_online %}{% get_whos_online limit=3 order="name" as online %}{% whos_online limit=2 %}
<b>{{ online.total }}</b>{% whos_online_plot %}"""


def page(request: HttpRequest) -> HttpResponse:
    return HttpResponse(engines["django"].from_string(PAGE).render({}, request))


async def apage(request: HttpRequest) -> HttpResponse:
    return HttpResponse(engines["django"].from_string(PAGE).render({}, request))


async def aenter(request: HttpRequest) -> HttpResponse:
    user = await get_user_model().objects.aget(username=request.POST["username"])
    await alogin(request, user, "django.contrib.auth.backends.ModelBackend")
    return HttpResponse("in")


async def awho(request: HttpRequest) -> HttpResponse:
    return HttpResponse((await request.auser()).get_username())


async def auntouched(request: HttpRequest) -> HttpResponse:
    return HttpResponse("nobody was asked for")


def token_user(request: HttpRequest) -> HttpResponse:
    """Find out who asks as an API does, from what the request says."""
    name = request.headers.get("Authorization")
    request.user = get_user_model().objects.get(username=name) if name else AnonymousUser()
    return HttpResponse("by token")


def profile(request: HttpRequest, name: str) -> HttpResponse:
    return HttpResponse(name)


urlpatterns = [
    path("who/", who),
    path("untouched/", untouched),
    path("enter/", enter),
    path("leave/", leave),
    path("flush/", flush),
    path("save/", save),
    path("page/", page),
    path("apage/", apage),
    path("aenter/", aenter),
    path("awho/", awho),
    path("auntouched/", auntouched),
    path("token/", token_user),
    path("profile/<str:name>/", profile, name="profile"),
]
