"""The audit table: what began and what ended, a row each, and who fills it; and ends that Redis has not heard of."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class AuditEvent(models.Model):
    """A session's start or its end. An end says by itself how the session began, so it needs no join.

    People are named as they were when the session began. A user's row may be gone; so `user_id` is a text, no relation.

    Attributes:
        sid: which session; as in the audit log and in Redis, and not what its cookie holds.
        at: when it happened; for an expiry the deadline.
        reason: why it ended; empty for a start.
        actor: the id of the user who ended it, where that was somebody else.
        ip: as much of the address as ``WIKI_AUDIT_IP`` keeps.
        started_at: when the session began; None where Redis had lost whose it was.
        expires_at: until when it could have lived.
        duration: how long it lasted; None for a start.
        stored_at: when the row was written.
    """

    class Action(models.TextChoices):
        """What happened."""

        START = "start", _("started")
        END = "end", _("ended")

    sid = models.CharField(_("session"), max_length=22)
    action = models.CharField(_("action"), max_length=5, choices=Action.choices)
    at = models.DateTimeField(_("time"), db_index=True)
    reason = models.CharField(_("reason"), max_length=40, blank=True)
    actor = models.CharField(_("ended by"), max_length=255, blank=True)
    user_id = models.CharField(_("user id"), max_length=255, blank=True)
    user_name = models.CharField(_("user name"), max_length=255, blank=True)
    email = models.CharField(_("email address"), max_length=320, blank=True)
    display_name = models.CharField(_("display name"), max_length=255, blank=True)
    ip = models.GenericIPAddressField(_("IP address"), null=True, blank=True)
    user_agent = models.CharField(_("browser"), max_length=512, blank=True)
    started_at = models.DateTimeField(_("start"), null=True, blank=True)
    expires_at = models.DateTimeField(_("deadline"), null=True, blank=True)
    duration = models.DurationField(_("duration"), null=True, blank=True)
    stored_at = models.DateTimeField(_("stored"))

    class Meta:
        verbose_name = _("audit event")
        verbose_name_plural = _("audit events")
        constraints = (models.UniqueConstraint(fields=["sid", "action"], name="django_hooks_event_once"),)
        # Each is for one question, and ends with the time, in which the answers are sorted.
        indexes = (
            models.Index(fields=["user_id", "at"], name="django_hooks_event_user"),
            models.Index(fields=["user_name", "at"], name="django_hooks_event_name"),
            models.Index(fields=["ip", "at"], name="django_hooks_event_ip"),
            models.Index(fields=["reason", "at"], name="django_hooks_event_reason"),
        )

    def __str__(self) -> str:
        return f"{self.event_id} {self.reason}".rstrip()

    @property
    def event_id(self) -> str:
        """The event's id, as in the audit log: a session starts once and ends once."""
        return f"{self.sid}-{self.action}"


class AuditFollower(models.Model):
    """Who fills the audit table, and whom it has told of the rows.

    Attributes:
        name: the reader's, under which Redis keeps its position.
        token: the one process that may write; whoever takes the name over writes another.
        told: the key of the last row that receivers of our signals were told of.
    """

    name = models.CharField(max_length=100, primary_key=True)
    token = models.CharField(max_length=32)
    told = models.BigIntegerField(default=0)

    class Meta:
        verbose_name = _("audit follower")
        verbose_name_plural = _("audit followers")

    def __str__(self) -> str:
        return self.name


class PendingEnd(models.Model):
    """A change that Redis is still to be told of, kept with the change itself: no end that was asked for is forgotten.

    Attributes:
        user_id: whose sessions.
        sid: the one that ends, in shard `shard`; empty: all of the user's do.
        reason: why they end; empty: only what the records say of the user has changed.
        spared: the session of the browser that the change came from; it lives on.
        actor: the id of the user who did it, where that was somebody else.
        proof: what a digest of the user's log-in was before; where it still is that, the change did not happen.
        certain: the change is known to have happened. A row that was never made certain is looked at a minute later.
        until: when it no longer matters.
        created_at: when the change was made.
        tried_at: when it was last tried.
    """

    user_id = models.CharField(max_length=255, blank=True)
    shard = models.PositiveSmallIntegerField(default=0)
    sid = models.CharField(max_length=22, blank=True)
    reason = models.CharField(max_length=40, blank=True)
    spared = models.CharField(max_length=22, blank=True)
    actor = models.CharField(max_length=255, blank=True)
    proof = models.CharField(max_length=64, blank=True)
    certain = models.BooleanField(default=False)
    until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    tried_at = models.DateTimeField(default=timezone.now, db_index=True)

    def __str__(self) -> str:
        return f"{self.sid or self.user_id} {self.reason}".rstrip()


class LiveSession(AuditEvent):
    """The sessions that live, as the admin and its permissions know them: they are in Redis, not in the database.

    A proxy, so that there is nothing to migrate, dump or count; it is never asked for rows.
    """

    class Meta:
        proxy = True
        default_permissions = ("view",)
        permissions = (("end_livesession", "Can end live session"),)
        verbose_name = _("live session")
        verbose_name_plural = _("live sessions")
