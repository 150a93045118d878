"""The deliveries of events, written in the transaction that makes these: what is committed will be sent.

An organization without a webhook costs one look at an index.
"""

import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import orjson
import structlog
from celery import current_app
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from kombu.exceptions import OperationalError

from accounts.copying import copy_rows
from organizations.webhooks.kinds import wants
from organizations.webhooks.models import Webhook, WebhookDelivery

log = structlog.get_logger(__name__)
MOST_EVENTS = 100
"""Of one message."""
SEND_TASK, SEND_EVERY_SECONDS = "organizations.send_webhooks", 10
Event = Mapping[str, Any]
"""As `GET /events` tells it, and its topic as `event`."""


def listening(organization_ids: Collection[int]) -> list[Webhook]:
    """The webhooks of these organizations that want events."""
    found = Webhook.objects.filter(
        organization_id__in=list(organization_ids),
        active=True,
        deleted_at=None,
        organization__deleted_at=None,
    )
    return list(found.only("organization_id", "events").order_by("pk"))


def store(webhooks: Sequence[Webhook], events: Mapping[int, Sequence[Event]]) -> None:
    """Write what these webhooks get of the events, by organization, and let it be sent after the commit."""
    made = [
        delivery
        for webhook in webhooks
        for delivery in deliveries(webhook, events.get(webhook.organization_id, ()))
    ]
    if made:
        copy_rows(made)
        transaction.on_commit(ask_to_send)


def deliveries(webhook: Webhook, events: Iterable[Event]) -> Iterator[WebhookDelivery]:
    """Messages of at most MOST_EVENTS each, not stored yet."""
    wanted = (event for event in events if wants(webhook.events, event["event"], event["kind"]))
    while some := list(islice(wanted, MOST_EVENTS)):
        body = {"organization_id": webhook.organization_id, "events": some}
        yield WebhookDelivery(
            webhook_id=webhook.pk,
            message_id=uuid.uuid4(),
            body=orjson.dumps(body, option=orjson.OPT_UTC_Z).decode(),
            kinds=sorted({f"{event['event']}.{event['kind']}" for event in some}),
            next_attempt_at=timezone.now(),
        )


def ask_to_send() -> None:
    """Hint that something is due. Never raises: a dead broker only delays, the beat asks, too."""
    if not settings.SCHEDULER_HINTS:
        return
    try:
        current_app.send_task(SEND_TASK, expires=SEND_EVERY_SECONDS, retry=False)
    except (OperationalError, OSError) as error:
        log.warning("hint_lost", task=SEND_TASK, error=str(error))
