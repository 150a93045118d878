"""What the accounts need done from time to time."""

from celery import shared_task
from django.core.management import call_command
from django.utils import timezone

from accounts.models import RefreshFamily


@shared_task(name="accounts.delete_expired_refresh_families")
def delete_expired_refresh_families() -> int:
    """Delete families whose newest token has expired: nobody can use them any more. Answers how many."""
    deleted, _ = RefreshFamily.objects.filter(expires_at__lt=timezone.now()).delete()
    return deleted


@shared_task(name="accounts.delete_old_sign_ins")
def delete_old_sign_ins() -> None:
    """Delete the console's expired sessions, and what axes noted of sign-ins more than 30 days ago."""
    call_command("clearsessions", verbosity=0)
    call_command("axes_reset_logs", age=30, verbosity=0)
