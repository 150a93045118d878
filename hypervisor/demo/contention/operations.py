"""What users and operators do, at random and through the services that the API calls."""

from collections import Counter
from collections.abc import Callable
from random import Random

from accounts.errors import Conflict, InvalidInput, NotFound
from accounts.models import User
from clusters.models import Cluster
from clusters.services import change_cluster
from deployments.models import Deployment
from deployments.services.change import change_deployment
from deployments.services.checkpoints import report_checkpoint
from deployments.services.steer import (
    cancel_deployment,
    delete_deployment,
    requeue_deployment,
    stop_deployment,
)
from deployments.services.submit import submit_deployment
from deployments.states import CANCELLABLE, FINAL, STOPPABLE
from hypervisor.demo.contention.hands import World
from hypervisor.demo.contention.world import CORES, GIGABYTES, GPUS
from scheduling.core.policy import PRESETS
from scheduling.policy_services import set_policy

REFUSALS = (Conflict, InvalidInput, NotFound, Deployment.DoesNotExist)
"""Answers to a request that came too late or asked too much: nothing is wrong with them."""


class Operator:
    """One who does `count` random things, one after the other; the same seed does the same, as far as others let it."""

    def __init__(self, world: World, seed: int) -> None:
        self.world, self.dice = world, Random(seed)
        self.done: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.owners = {
            organization: User.objects.get(pk=owner) for organization, owner in world.owners.items()
        }
        self.choices: dict[Callable[[], None], int] = {
            self.submit: 34, self.stop: 14, self.cancel: 8, self.requeue: 6, self.delete: 6, self.reprioritize: 8,
            self.resize_need: 5, self.move: 4, self.shrink_or_grow: 9, self.pause_or_resume: 3,
            self.change_policy: 3, self.checkpoint: 3,
        }  # fmt: skip

    def act(self) -> None:
        """Do one thing, and count it as done or as refused. Raises what no service should raise."""
        (operation,) = self.dice.choices(list(self.choices), list(self.choices.values()))
        try:
            operation()
            self.done[operation.__name__] += 1
        except REFUSALS:
            self.refused[operation.__name__] += 1

    def submit(self) -> None:
        organization = self._organization()
        dice = self.dice
        submit_deployment(
            actor=self.owners[organization],
            organization_id=organization,
            cluster=self._cluster(organization),
            name="contender",
            docker_image="busybox",
            required_gpu=dice.choice((0, 1, 1, 2, 4, 8)) * 1000,
            required_cpu=dice.randint(1, 16) * 1000,
            required_ram=dice.randint(1, 64) * 1024,
            priority=dice.choice((1, 1, 1, 2, 2, 3)),
            simulated_seconds=dice.choice((0.05, 0.5, 2, 10, None)),
            grace_period_seconds=dice.choice((0, 1)),
            dependency_ids=[self._any(organization)] if dice.random() < 0.1 else [],
        )

    def stop(self) -> None:
        self._steer(stop_deployment, STOPPABLE)

    def cancel(self) -> None:
        self._steer(cancel_deployment, CANCELLABLE)

    def requeue(self) -> None:
        self._steer(requeue_deployment, FINAL)

    def delete(self) -> None:
        self._steer(delete_deployment, FINAL)

    def reprioritize(self) -> None:
        self._change({"priority": self.dice.randint(1, 3)})

    def resize_need(self) -> None:
        self._change({"required_gpu": self.dice.randint(0, 8) * 1000})

    def move(self) -> None:
        organization = self._organization()
        change_deployment(
            actor=self.owners[organization],
            deployment=Deployment.objects.get(pk=self._any(organization)),
            changes={},
            cluster=self._cluster(organization),
        )

    def shrink_or_grow(self) -> None:
        part = self.dice.choice((0.5, 0.75, 1, 1, 1.25))
        totals = {
            "total_gpu": int(GPUS * part) * 1000,
            "total_cpu": int(CORES * part) * 1000,
            "total_ram": int(GIGABYTES * part) * 1024,
        }
        self._change_cluster(totals)

    def pause_or_resume(self) -> None:
        self._change_cluster({"paused": self.dice.random() < 0.3})

    def change_policy(self) -> None:
        organization = self._organization()
        changes = {
            "preset": self.dice.choice(list(PRESETS)),
            "evictions_per_minute": self.dice.choice((None, 5)),
            "reservation_after_seconds": self.dice.choice((None, 1)),
        }
        set_policy(
            actor=self.owners[organization], cluster_id=self._cluster(organization).pk, changes=changes
        )

    def checkpoint(self) -> None:
        self._steer(report_checkpoint, STOPPABLE)

    def _change_cluster(self, changes: dict[str, int | bool]) -> None:
        organization = self._organization()
        cluster = self._cluster(organization)
        change_cluster(actor=self.owners[organization], cluster_id=cluster.pk, changes=changes)

    def _change(self, changes: dict[str, int]) -> None:
        organization = self._organization()
        deployment = Deployment.objects.get(pk=self._any(organization))
        change_deployment(actor=self.owners[organization], deployment=deployment, changes=changes)

    def _steer(self, service: Callable[..., object], states: frozenset[str]) -> None:
        organization = self._organization()
        service(actor=self.owners[organization], deployment_id=self._any(organization, states))

    def _organization(self) -> int:
        return self.dice.choice(list(self.world.owners))

    def _cluster(self, organization: int) -> Cluster:
        found: Cluster = Cluster.objects.get(pk=self.dice.choice(self.world.clusters[organization]))
        return found

    def _any(self, organization: int, states: frozenset[str] | None = None) -> int:
        """The id of one of the newest, so that most are alive. Raises DoesNotExist where there is none."""
        rows = Deployment.objects.filter(organization_id=organization, deleted_at=None)
        of_states = rows.filter(status__in=states) if states else rows
        newest: list[int] = list(of_states.order_by("-id").values_list("id", flat=True)[:40])
        if not newest:
            raise Deployment.DoesNotExist
        return self.dice.choice(newest)
