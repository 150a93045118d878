"""What workers do at engines for clusters: checks, asked for and by the beat."""

from celery import shared_task

from clusters.models import Cluster, Runtime
from clusters.replies import reply
from clusters.selectors import IN_USE
from clusters.services import check_engine

CHECK_EVERY_SECONDS = 60


@shared_task(name="clusters.check")
def check(cluster_id: int, stream: str | None = None) -> None:
    """Check one engine, and answer on the stream if somebody waits there."""
    answer = check_engine(cluster_id=cluster_id)
    if stream and answer is not None:
        reply(stream, answer)


@shared_task(name="clusters.check_all")
def check_all() -> None:
    """Fan the clusters with a real engine out, one task each: one that hangs holds up no other."""
    real = Cluster.objects.filter(IN_USE).exclude(runtime=Runtime.SIMULATED)
    for cluster_id in real.order_by("pk").values_list("pk", flat=True):
        check.apply_async(args=(cluster_id,), expires=CHECK_EVERY_SECONDS)
