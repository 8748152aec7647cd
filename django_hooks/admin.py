"""The admin's view: who is logged in, from Redis, and what began and ended, from the audit table."""

from django.contrib import admin

from .admin_pages.events import AuditEventAdmin
from .admin_pages.live import LiveSessionAdmin
from .models import AuditEvent, LiveSession

admin.site.register(LiveSession, LiveSessionAdmin)
admin.site.register(AuditEvent, AuditEventAdmin)
