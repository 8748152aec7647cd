"""The pages that the wiki leads to: ``path("sso/", include("django_hooks.urls"))``."""

from django.urls import path, re_path

from session_store.keys import SID

from . import views
from .my_sessions import views as my_sessions

app_name = "django_hooks"

urlpatterns = [
    path("enter/", views.enter, name="enter"),
    path("leave/", views.leave, name="leave"),
    path("sessions/", my_sessions.show, name="sessions"),
    path("sessions/end-others/", my_sessions.end_others, name="end_other_sessions"),
    re_path(rf"^sessions/(?P<sid>{SID.pattern})/end/$", my_sessions.end, name="end_session"),
]
