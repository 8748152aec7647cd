"""The Django app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class DjangoHooksConfig(AppConfig):
    """Registers the receivers and the system checks."""

    name = "django_hooks"
    verbose_name = _("Wiki log-in")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Import what registers itself."""
        from . import checks, groups, receivers, users  # noqa: F401, PLC0415 - models must be loaded first
        from .my_sessions import proofs  # noqa: F401, PLC0415
        from .whos_online import checks as online_checks  # noqa: F401, PLC0415
        from .whos_online import receivers as online_receivers  # noqa: F401, PLC0415

        users.connect()
        groups.connect()
