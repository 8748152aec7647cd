"""The views that the tests ask for: every way in and out, and the ways in which a view can misbehave."""

import asyncio
from collections.abc import AsyncIterator

from django.conf import settings
from django.contrib import admin
from django.contrib.auth import (
    BACKEND_SESSION_KEY,
    SESSION_KEY,
    aauthenticate,
    alogin,
    alogout,
    authenticate,
    get_user_model,
    login,
    logout,
    update_session_auth_hash,
    views,
)
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseServerError, StreamingHttpResponse
from django.test import Client
from django.urls import include, path
from django.utils.functional import SimpleLazyObject


def who(request: HttpRequest) -> HttpResponse:
    return HttpResponse(request.user.get_username())


def untouched(request: HttpRequest) -> HttpResponse:
    return HttpResponse("nobody was asked for")


def enter(request: HttpRequest) -> HttpResponse:
    user = authenticate(request, username=request.POST["username"], password=request.POST["password"])
    login(request, user)
    return HttpResponse("in")


def leave(request: HttpRequest) -> HttpResponse:
    logout(request)
    return HttpResponse("out")


def leave_late(request: HttpRequest) -> HttpResponse:
    """Log out, but only after another request of the same browser has come and gone."""
    other = Client()
    other.cookies["sessionid"] = request.COOKIES["sessionid"]
    other.get("/untouched/")
    logout(request)
    return HttpResponse("out, at last")


def enter_and_fail(request: HttpRequest) -> HttpResponse:
    login(request, get_user_model().objects.get(username="sally"))
    return HttpResponseServerError("in, and then it broke")


def new_password(request: HttpRequest, keeps: str) -> HttpResponse:
    """Set a password as Django's own view does, or as one does that forgets the session."""
    user = get_user_model().objects.get(pk=request.user.pk)
    user.set_password("swell")
    user.save()
    if keeps == "kept":
        update_session_auth_hash(request, user)
    return HttpResponse("changed")


def disable(request: HttpRequest, username: str) -> HttpResponse:
    """Disable somebody's account, as the admin does: in a transaction."""
    with transaction.atomic():
        user = get_user_model().objects.get(username=username)
        user.is_active = False
        user.save()
    return HttpResponse("disabled")


def enter_and_be_disabled(request: HttpRequest) -> HttpResponse:
    """Log in, while an admin disables the account."""
    enter(request)
    users = get_user_model().objects.filter(username=request.POST["username"])
    users.update(is_active=False)
    return HttpResponse("in, and not for long")


def enter_while_redis_hangs(request: HttpRequest) -> HttpResponse:
    settings.HANG()
    return enter(request)


def leave_while_redis_hangs(request: HttpRequest) -> HttpResponse:
    """Log out, when Redis has just stopped answering: the test says how that is brought about."""
    settings.HANG()
    logout(request)
    return HttpResponse("out")


def become(request: HttpRequest, username: str) -> HttpResponse:
    """Impersonate, as an admin's tool does: without log-in and without a signal."""
    user = get_user_model().objects.get(username=username)
    request.session[SESSION_KEY] = str(user.pk)
    request.session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    request.session["_auth_user_hash"] = user.get_session_auth_hash()
    request.user = user
    return HttpResponse("somebody else")


def become_while_redis_hangs(request: HttpRequest, username: str) -> HttpResponse:
    settings.HANG()
    return become(request, username)


def become_unseen(request: HttpRequest, username: str) -> HttpResponse:
    """The same, after somebody has asked who it was before."""
    assert request.user.is_authenticated
    user = get_user_model().objects.get(username=username)
    request.session[SESSION_KEY] = str(user.pk)
    request.session["_auth_user_hash"] = user.get_session_auth_hash()
    return HttpResponse("somebody else")


def impersonate(get_response):
    """A middleware that puts a user of its own in place, asked for when somebody looks."""

    def middleware(request: HttpRequest) -> HttpResponse:
        name = settings.IMPERSONATED
        request.user = SimpleLazyObject(lambda: get_user_model().objects.get(username=name))
        return get_response(request)

    return middleware


def api(request: HttpRequest) -> HttpResponse:
    """Answer a program, after a look whether it is a browser that is logged in, as Django REST framework does."""
    if not request.user.is_authenticated:
        request.user = get_user_model().objects.get(username=request.headers["Authorization"])
    if "log-in" in request.GET:
        login(request, request.user, settings.AUTHENTICATION_BACKENDS[0])
    return HttpResponse(request.user.get_username())


def remember(request: HttpRequest) -> HttpResponse:
    seconds = request.GET.get("seconds", str(settings.SESSION_COOKIE_AGE))
    request.session.set_expiry(int(seconds))
    return HttpResponse("remembered")


def flush(request: HttpRequest) -> HttpResponse:
    request.session.flush()
    return HttpResponse("flushed, without a signal")


def save(request: HttpRequest) -> HttpResponse:
    request.session["basket"] = request.GET.get("what", "apples")
    return HttpResponse("saved")


def stream(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(iter([b"bit ", b"by bit"]))


async def awho(request: HttpRequest) -> HttpResponse:
    return HttpResponse((await request.auser()).get_username())


async def auntouched(request: HttpRequest) -> HttpResponse:
    return HttpResponse("nobody was asked for")


async def aenter(request: HttpRequest) -> HttpResponse:
    user = await aauthenticate(request, username=request.POST["username"], password=request.POST["password"])
    await alogin(request, user)
    return HttpResponse("in")


async def aleave(request: HttpRequest) -> HttpResponse:
    await request.auser()
    await alogout(request)
    return HttpResponse("out")


async def astream(request: HttpRequest) -> StreamingHttpResponse:
    async def bits() -> AsyncIterator[bytes]:
        yield b"bit "
        yield b"by bit"

    return StreamingHttpResponse(bits())


async def aleave_and_hang_up(request: HttpRequest) -> HttpResponse:
    """Log out, and then the client has gone: the server cancels the task."""
    await alogout(request)
    raise asyncio.CancelledError


urlpatterns = [
    path("awho/", awho),
    path("auntouched/", auntouched),
    path("aenter/", aenter),
    path("aleave/", aleave),
    path("astream/", astream),
    path("aleave-and-hang-up/", aleave_and_hang_up),
    path("who/", who),
    path("untouched/", untouched),
    path("enter/", enter),
    path("leave/", leave),
    path("leave-late/", leave_late),
    path("enter-and-fail/", enter_and_fail),
    path("become/<str:username>/", become),
    path("become-unseen/<str:username>/", become_unseen),
    path("api/", api),
    path("remember/", remember),
    path("new-password/<str:keeps>/", new_password),
    path("disable/<str:username>/", disable),
    path("enter-and-be-disabled/", enter_and_be_disabled),
    path("enter-while-redis-hangs/", enter_while_redis_hangs),
    path("leave-while-redis-hangs/", leave_while_redis_hangs),
    path("become-while-redis-hangs/<str:username>/", become_while_redis_hangs),
    path("flush/", flush),
    path("save/", save),
    path("stream/", stream),
    path("sso/", include("django_hooks.urls")),
    path("admin/", admin.site.urls),
    path("login/", views.LoginView.as_view()),
]
