"""What workers do for organizations: their webhooks."""

from celery import shared_task

from organizations.webhooks import delivering, outbox


@shared_task(name=outbox.SEND_TASK)
def send_webhooks() -> int:
    """Send what is due. Answers how many attempts were made."""
    return delivering.send_due()


@shared_task(name="organizations.prune_deliveries")
def prune_deliveries() -> int:
    """Delete old deliveries. Answers how many."""
    return delivering.prune_deliveries()
