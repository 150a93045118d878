"""The worker's reconcile pass: every SCHEDULER_INTERVAL for all clusters with something live, sooner on a hint."""

import structlog
from celery import shared_task
from django.conf import settings
from django.db.models import Exists, F, OuterRef, Q, Value
from django.db.models.functions import Mod
from redis.exceptions import RedisError

from clusters.models import Cluster, Runtime
from clusters.redis import redis_client
from clusters.selectors import IN_USE
from deployments.models import Run
from deployments.reconciling import wakeups
from deployments.services import pulling
from deployments.services.once import delete_old_keys
from deployments.services.reconciliation import reconcile_clusters

log = structlog.get_logger(__name__)
TURN = "reconcile:turn"
PULL_LIMIT_SECONDS = 4000
"""For a worker of processes; one of threads has the driver's own limit alone."""
QUIET_ROTATION = 30
"""Clusters with nothing live are looked at once in so many passes, for containers that nobody owns."""


@shared_task(name="deployments.reconcile")
def reconcile(cluster_ids: list[int] | None = None) -> None:
    """One pass for each of these, or of those that wait for one; later again for those that somebody is at.

    Simulated engines share a pass. Any other has a task of its own: one that hangs must not hold up another cluster.
    """
    ids = wakeups.take() if cluster_ids is None else cluster_ids
    if len(ids) == 1:
        wakeups.begin_apart(ids[0])
        wakeups.again(reconcile_clusters(cluster_ids=ids, counts_misses=_may_count_a_miss))
        return
    together = _that_answer_at_once(ids)
    wakeups.apart(set(ids) - set(together))
    try:
        wakeups.again(reconcile_clusters(cluster_ids=together, counts_misses=_may_count_a_miss))
    except Exception:
        # Whichever it was fails alone, and not the others with it.
        log.exception("pass_failed", clusters=len(together))
        wakeups.apart(together)


def _that_answer_at_once(cluster_ids: list[int]) -> list[int]:
    simulated = Cluster.objects.filter(pk__in=cluster_ids, runtime=Runtime.SIMULATED)
    return list(simulated.values_list("pk", flat=True))


@shared_task(name="deployments.pull_image", time_limit=PULL_LIMIT_SECONDS)
def pull_image(run_id: int) -> None:
    """Fetch the image of one run."""
    pulling.pull_image(run_id=run_id)


@shared_task(name="deployments.delete_old_keys")
def delete_old_submit_keys() -> int:
    """Forget the Idempotency-Keys that nobody sends again. Answers how many."""
    return delete_old_keys()


def _may_count_a_miss(cluster_id: int) -> bool:
    """Once an interval: hints come by the dozen, and an engine that restarts needs its few seconds."""
    try:
        lasts = int(settings.SCHEDULER_INTERVAL * 900)
        return bool(redis_client().set(f"reconcile:looked:{cluster_id}", 1, nx=True, px=lasts))
    except RedisError:
        return True


@shared_task(name="deployments.reconcile_all")
def reconcile_all() -> None:
    """Fan the clusters out to the workers."""
    # Counted, not taken from the clock: with an interval that an operator chose, a clock may skip turns for ever.
    turn = redis_client().incr(TURN) % QUIET_ROTATION
    live = Exists(Run.objects.filter(cluster=OuterRef("pk"), outcome=None))
    needy = Cluster.objects.annotate(live=live, turn_of=Mod(F("pk"), Value(QUIET_ROTATION))).filter(
        Q(live=True) | IN_USE & (Q(missed_observations__gt=0) | Q(turn_of=turn))
    )
    wakeups.send(needy.values_list("pk", flat=True), swept=True)
