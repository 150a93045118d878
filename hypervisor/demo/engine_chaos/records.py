"""The service's own books, read past its API. Import it only after `open_books`."""

from dataclasses import dataclass

from django.db import close_old_connections, connection
from django.db.models import Count, Q

from clusters.models import Cluster, Installation
from deployments.books import differences_between_books_and_runs
from deployments.models import DeploymentEvent, HeldDevice, Outcome, Run
from hypervisor.demo.docker.site import Identity


@dataclass(frozen=True, slots=True)
class Tally:
    """How many of each there have been."""

    runs: int
    ran: int
    preempted: int
    lost: int
    orphans_removed: int


def identity() -> Identity:
    """The names of this installation and its clusters on engines."""
    installation, _ = Installation.objects.get_or_create(pk=1)
    return Identity(installation.uuid.hex, {row.pk: row.engine_id.hex for row in Cluster.objects.all()})


def differences() -> list[str]:
    """As `check_books` finds them."""
    close_old_connections()
    return [str(difference) for difference in differences_between_books_and_runs()]


def live_runs(cluster_id: int) -> dict[int, str]:
    """The runs on a cluster that have not ended → the state of their deployments."""
    close_old_connections()
    return dict(Run.objects.filter(outcome=None, cluster=cluster_id).values_list("pk", "deployment__status"))


def leaked_devices() -> int:
    """GPUs held by an allocation that is released, or by a run that is over."""
    over = Q(allocation__released_at__isnull=False) | Q(allocation__run__outcome__isnull=False)
    return int(HeldDevice.objects.filter(over).count())


def tally() -> Tally:
    """Of all time."""
    runs = Run.objects.aggregate(
        runs=Count("pk"),
        ran=Count("pk", filter=Q(running_at__isnull=False)),
        preempted=Count("pk", filter=Q(outcome=Outcome.PREEMPTED)),
        lost=Count("pk", filter=Q(outcome=Outcome.LOST)),
    )
    return Tally(**runs, orphans_removed=DeploymentEvent.objects.filter(kind="orphan_removed").count())


def close() -> None:
    """Let go of the database."""
    connection.close()
