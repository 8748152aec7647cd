"""The pages that the wiki leads to: ``path("sso/", include("django_hooks.urls"))``."""

from django.urls import path

from . import views

app_name = "django_hooks"

urlpatterns = [
    path("enter/", views.enter, name="enter"),
    path("leave/", views.leave, name="leave"),
]
