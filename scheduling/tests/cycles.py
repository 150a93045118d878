"""What the tests of whole cycles share: submitting, cycling with a look at the books, and blocking a cluster."""

from clusters.models import Cluster
from clusters.services import change_cluster, note_unreachable
from deployments.books import differences_between_books_and_runs
from deployments.models import Deployment
from deployments.tests.factories import DeploymentFactory
from scheduling.models import Cycle
from scheduling.services import run_cycle

LOW, MEDIUM, HIGH = 1, 2, 3


def cycle(cluster: Cluster) -> None:
    """One cycle, after which books and runs must agree."""
    run_cycle(cluster_ids=[cluster.pk])
    assert differences_between_books_and_runs() == []


def submit(cluster: Cluster, gpu: float, priority: int = MEDIUM, **fields) -> Deployment:
    """A pending one; in wire units."""
    return DeploymentFactory(cluster=cluster, gpu=gpu, priority=priority, **fields)


def counts(cluster: Cluster) -> tuple[int, int, int, int]:
    """Scheduled, preempted, unschedulable and held, as the newest cycle says."""
    newest = Cycle.objects.filter(cluster=cluster).first()
    return newest.scheduled, newest.preempted, newest.unschedulable, newest.held


def pause(user, deployment: Deployment) -> None:
    """Pause its cluster."""
    change_cluster(actor=user, cluster_id=deployment.cluster_id, changes={"paused": True})


def lose_engine(user, deployment: Deployment) -> None:
    """Its cluster's engine does not answer any more."""
    note_unreachable(cluster_id=deployment.cluster_id, misses_allowed=1, problem="gone")
