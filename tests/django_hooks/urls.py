"""The views that the tests ask for: every way in and out, and the ways in which a view can misbehave."""

from django.contrib.auth import SESSION_KEY, authenticate, get_user_model, login, logout, views
from django.http import HttpRequest, HttpResponse, HttpResponseServerError, StreamingHttpResponse
from django.test import Client
from django.urls import include, path


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


def become(request: HttpRequest, username: str) -> HttpResponse:
    """Impersonate, as an admin's tool does: without log-in and without a signal."""
    user = get_user_model().objects.get(username=username)
    request.session[SESSION_KEY] = str(user.pk)
    request.session["_auth_user_hash"] = user.get_session_auth_hash()
    request.user = user
    return HttpResponse("somebody else")


def flush(request: HttpRequest) -> HttpResponse:
    request.session.flush()
    return HttpResponse("flushed, without a signal")


def save(request: HttpRequest) -> HttpResponse:
    request.session["basket"] = request.GET.get("what", "apples")
    return HttpResponse("saved")


def stream(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(iter([b"bit ", b"by bit"]))


urlpatterns = [
    path("who/", who),
    path("untouched/", untouched),
    path("enter/", enter),
    path("leave/", leave),
    path("leave-late/", leave_late),
    path("enter-and-fail/", enter_and_fail),
    path("become/<str:username>/", become),
    path("flush/", flush),
    path("save/", save),
    path("stream/", stream),
    path("sso/", include("django_hooks.urls")),
    path("login/", views.LoginView.as_view()),
]
