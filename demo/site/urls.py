"""The site's pages."""

from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path

from . import views

log_in = LoginView.as_view(
    template_name="site/login.html",
    redirect_authenticated_user=True,
    success_url_allowed_hosts={urlsplit(settings.WIKI_URL).netloc},  # who came from the wiki goes back there
)

urlpatterns = [
    path("", views.home, name="home"),
    path("audit/", views.audit, name="audit"),
    path("login/", log_in, name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
]
