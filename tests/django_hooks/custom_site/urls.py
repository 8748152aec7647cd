"""As much of a site as its steps need."""

from django.contrib.auth import authenticate, login
from django.http import HttpRequest, HttpResponse
from django.urls import path


def enter(request: HttpRequest) -> HttpResponse:
    login(request, authenticate(request, username=request.POST["username"], password=request.POST["password"]))
    return HttpResponse("in")


urlpatterns = [path("enter/", enter), path("untouched/", lambda _: HttpResponse("nobody was asked for"))]
