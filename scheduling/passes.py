"""One cycle of every cluster where anybody waits, here and now: what `run_scheduler` runs and shows."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

from clusters.models import Cluster
from clusters.wakeups import CHUNK
from deployments.services.booking import StalePlan
from scheduling.core.state import ClusterPlan
from scheduling.planning import foresee
from scheduling.selectors import clusters_with_waiting
from scheduling.services import NOTHING_DONE, run_cycle

LOCKED = "busy: somebody else has it locked; run again"
STALE = "deployments kept changing; run again"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a pass did in one cluster. `problem` says why it did nothing; `milliseconds` are of the whole batch."""

    cluster_id: int
    name: str
    plan: ClusterPlan | None
    milliseconds: float
    problem: str = ""

    @property
    def pending(self) -> int:
        """How many were pending at the start."""
        return self.plan.pending if self.plan else 0


def run_pass(*, cluster_id: int | None = None, dry_run: bool = False) -> list[Outcome]:
    """Run one cycle, of this cluster or of all where anybody waits, in id order; with `dry_run` only plan it.

    A cluster that is busy, or whose plan was refused, is told in its outcome and does not stop the others.
    """
    ids = clusters_with_waiting() if cluster_id is None else [cluster_id]
    batches = (ids[start : start + CHUNK] for start in range(0, len(ids), CHUNK))
    return [outcome for batch in batches for outcome in _run_batch(batch, dry_run=dry_run)]


def _run_batch(cluster_ids: list[int], *, dry_run: bool) -> Iterator[Outcome]:
    names = dict(Cluster.objects.filter(pk__in=cluster_ids).values_list("pk", "name"))
    began = time.perf_counter()
    problems: dict[int, str] = {}
    plans: dict[int, ClusterPlan] = {}
    try:
        if dry_run:
            plan = foresee(cluster_ids=cluster_ids).plan
        else:
            result = run_cycle(cluster_ids=cluster_ids, everybody=True)
            plan, problems = result.plan, dict.fromkeys(result.locked, LOCKED)
        plans = {decided.cluster_id: decided for decided in plan.clusters}
    except NOTHING_DONE as error:
        if len(cluster_ids) > 1:
            # One by one, so that one bad cluster does not stop the others of its batch.
            for cluster_id in cluster_ids:
                yield from _run_batch([cluster_id], dry_run=dry_run)
            return
        stale = isinstance(error, StalePlan)
        problems = {cluster_ids[0]: STALE if stale else f"plan refused, report this: {error}"}
    milliseconds = round((time.perf_counter() - began) * 1000, 1)
    for cluster_id in cluster_ids:
        yield Outcome(
            cluster_id=cluster_id,
            name=names.get(cluster_id, ""),
            plan=plans.get(cluster_id),
            milliseconds=milliseconds,
            problem=problems.get(cluster_id, ""),
        )
