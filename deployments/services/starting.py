"""Asking an engine to start what is booked: images first, then containers; each refusal on its own run."""

from collections.abc import Iterable, Sequence

import structlog

from accounts import secrets
from clusters.models import Cluster, Runtime
from clusters.runtimes.base import Cause, ContainerSpec, Driver, RuntimeFailure
from deployments.models import Allocation, Run
from deployments.pulls import want_pull
from deployments.reconcile import Delay
from deployments.services import runs as books
from deployments.services.ends import Refusal, record_ends
from deployments.services.specs import container_spec
from deployments.states import Status
from deployments.verdicts import Failure, failure_of

log = structlog.get_logger(__name__)


def start_runs(*, cluster: Cluster, driver: Driver, run_ids: Sequence[int]) -> None:
    """Start these, once each; one that still needs its image waits for the task that fetches it.

    What an engine refuses for good fails its run; anything else is told in the run and tried again by the next pass.
    """
    # Read again: a run that was told to stop meanwhile must not be started any more.
    runs = {
        run.container_name: run
        for run in Run.objects.filter(
            pk__in=run_ids, outcome=None, deployment__status=Status.STARTING
        ).order_by("pk")
    }
    attempt = _Attempt(cluster, driver, runs)
    specs = list(attempt.startable())
    if cluster.runtime == Runtime.DOCKER:
        ready = [run.pk for spec in specs if (run := runs[spec.name]).image_ready_at is None]
        books.record_images_ready(cluster_id=cluster.pk, run_ids=ready)
    for name, answer in driver.start_many(specs).items():
        if isinstance(answer, RuntimeFailure):
            attempt.note(runs[name], answer)
    attempt.record()


class _Attempt:
    """One attempt at some runs, and what became of those that did not start."""

    def __init__(self, cluster: Cluster, driver: Driver, runs: dict[str, Run]) -> None:
        self.cluster, self.driver, self.runs = cluster, driver, runs
        self.refused: list[Refusal] = []
        self.delayed: list[Delay] = []
        self.without_image: list[int] = []

    def startable(self) -> Iterable[ContainerSpec]:
        """The specs of those that have all they need."""
        held = {
            allocation.run_id: allocation
            for allocation in Allocation.objects.filter(
                run__in=[run.pk for run in self.runs.values()], index=0
            )
        }
        for run in self.runs.values():
            try:
                spec = container_spec(run, cluster=self.cluster, allocation=held[run.pk])
                if run.image_ready_at is None and self.driver.needs_pull(spec):
                    want_pull(run.pk)
                    continue
            except secrets.UnreadableSecret as failure:
                self.refused.append(Refusal(run.pk, f"Its secret_env cannot be read. {failure}"))
            except RuntimeFailure as failure:
                self.note(run, failure)
            else:
                yield spec

    def note(self, run: Run, failure: RuntimeFailure) -> None:
        """Remember why this one did not start."""
        log.warning(
            "start_failed", cluster_id=self.cluster.pk, container=run.container_name, error=str(failure)
        )
        if failure.permanent:
            reason = failure_of(failure.cause) or Failure.START_REFUSED
            self.refused.append(Refusal(run.pk, str(failure), reason))
            return
        self.delayed.append(Delay(run.pk, failure.cause, str(failure)))
        if failure.cause is Cause.IMAGE_NOT_FOUND:
            self.without_image.append(run.pk)

    def record(self) -> None:
        """Write it into the books."""
        if self.refused:
            record_ends(cluster_id=self.cluster.pk, ends=self.refused)
        if self.delayed:
            books.record_delays(cluster_id=self.cluster.pk, delays=self.delayed)
        if self.without_image:
            books.forget_images(cluster_id=self.cluster.pk, run_ids=self.without_image)
