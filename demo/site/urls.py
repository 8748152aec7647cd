"""The site's pages."""

from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import include, path

from . import views

log_in = LoginView.as_view(template_name="site/login.html", redirect_authenticated_user=True)

urlpatterns = [
    path("", views.home, name="home"),
    path("audit/", views.audit, name="audit"),
    path("login/", log_in, name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("sso/", include("django_hooks.urls")),  # where the wiki's Login and Logout lead, and my sessions
    path("admin/", admin.site.urls),
]
