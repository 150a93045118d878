"""What the accounts need done from time to time."""

from celery import shared_task
from django.utils import timezone

from accounts.models import RefreshFamily


@shared_task(name="accounts.delete_expired_refresh_families")
def delete_expired_refresh_families() -> int:
    """Delete families whose newest token has expired: nobody can use them any more. Answers how many."""
    deleted, _ = RefreshFamily.objects.filter(expires_at__lt=timezone.now()).delete()
    return deleted
