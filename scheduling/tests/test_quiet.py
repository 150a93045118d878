"""Who waits quietly is not read, and nothing is decided otherwise for it."""

from datetime import timedelta
from random import Random

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from clusters.models import Cluster
from clusters.tests.factories import ClusterFactory
from deployments.models import Dependency, Deployment, Run
from deployments.states import HOLDS_CAPACITY, Status
from deployments.tests.factories import DeploymentFactory
from scheduling import snapshot
from scheduling.core.decide import decide
from scheduling.core.invariants import check
from scheduling.core.reasons import Reason
from scheduling.models import ClusterPolicy, Cycle
from scheduling.services import run_cycle
from scheduling.tests.cycles import HIGH, LOW, MEDIUM, counts, submit

ROUNDS = 150
QUIET = Reason.INSUFFICIENT_CAPACITY.value
TOLD = (None, QUIET, QUIET, QUIET, QUIET, *(reason.value for reason in Reason))


def any_cluster(lab, alice, dice: Random) -> Cluster:
    """A cluster with a queue in any state that rows can be in, whether or not a cycle would leave it so."""
    total = {name: dice.randint(2, 9) for name in ("gpu", "cpu", "ram")}
    cluster = ClusterFactory(organization=lab, **total)
    now, left, rows = timezone.now(), dict(total), []
    for _ in range(dice.randint(0, 12)):
        need = {name: dice.randint(0, 3) for name in total}
        if all(need[name] <= left[name] for name in total) or dice.random() < 0.02:
            left = {name: left[name] - need[name] for name in total}
            status = dice.choice((Status.RUNNING, Status.STARTING, Status.RUNNING, Status.STOPPING))
            rows.append(_row(cluster, alice, dice, need, status=status, started_at=now))
    for _ in range(dice.randint(0, 14)):
        need = {name: dice.randint(0, 5) if dice.random() < 0.97 else 10 for name in total}
        retry = now + timedelta(hours=dice.choice((-1, 1))) if dice.random() < 0.15 else None
        seat = now if dice.random() < 0.1 else None
        told = dice.choice(TOLD)
        rows.append(_row(cluster, alice, dice, need, reason=told, retry_at=retry, seat_granted_at=seat))
    for status in (Status.COMPLETED, Status.FAILED):
        rows.append(_row(cluster, alice, dice, dict.fromkeys(total, 1), status=status))
    made = Deployment.objects.bulk_create(rows)
    pairs = {
        (one.pk, dice.choice(made).pk)
        for one in made
        if one.status == Status.PENDING and dice.random() < 0.25
    }
    Dependency.objects.bulk_create(
        Dependency(deployment_id=one, depends_on_id=other) for one, other in sorted(pairs) if one != other
    )
    held = [one for one in made if one.status in HOLDS_CAPACITY]
    Run.objects.bulk_create(
        Run(deployment=one, organization_id=one.organization_id, cluster=cluster, priority=1, booked_at=now)
        for one in held
    )
    Cluster.objects.filter(pk=cluster.pk).update(
        paused=dice.random() < 0.1,
        unreachable_since=now if dice.random() < 0.05 else None,
        **{f"allocated_{name}": sum(getattr(one, f"required_{name}") for one in held) for name in total},
    )
    cluster.refresh_from_db()
    if dice.random() < 0.6:
        waits = dice.choice((None, 3600, 86_390, 10**7))
        preset = dice.choice(("two_phase", "least_waste", "balanced"))
        ClusterPolicy.objects.create(cluster=cluster, preset=preset, reservation_after_seconds=waits)
    if dice.random() < 0.7:
        for id_, reason in decide(snapshot.load([cluster], now)).clusters[0].reasons:
            if dice.random() < 0.9:
                Deployment.objects.filter(pk=id_).update(reason=reason.value)
    return cluster


def _row(cluster, user, dice, need, **fields) -> Deployment:
    return DeploymentFactory.build(
        cluster=cluster, organization=cluster.organization, created_by=user, priority=dice.choice((LOW, MEDIUM, HIGH)),
        **need, **fields,
    )  # fmt: skip


def told_anew(state, decided) -> dict[int, Reason]:
    """Whose stored reason the plan changes, and to which."""
    stored = {one.id: one.reason for one in state.pending}
    return {id_: reason for id_, reason in decided.reasons if reason is not stored[id_]}


def test_a_plan_without_the_quiet_ones_is_the_plan_with_all(alice, lab):
    seen = left_out = decisions = 0
    for seed in range(ROUNDS):
        dice = Random(seed)
        clusters, now = [any_cluster(lab, alice, dice) for _ in range(2)], timezone.now()
        with_all = snapshot.load(clusters, now)
        without = snapshot.load(clusters, now, everybody=False)
        plan, short = decide(with_all), decide(without)
        check(without, short)
        pairs = zip(with_all.clusters, plan.clusters, without.clusters, short.clusters, strict=True)
        for all_, whole, few, part in pairs:
            for name in (
                "starts",
                "seats",
                "dropped_seats",
                "evictions",
                "scheduled",
                "preempted",
                "leftover",
            ):
                assert getattr(part, name) == getattr(whole, name), (seed, name)
            assert told_anew(few, part) == told_anew(all_, whole), seed
            rest = len(all_.pending) - len(few.pending)
            assert part.unschedulable + rest == whole.unschedulable, seed
            seen, left_out = seen + len(all_.pending), left_out + rest
            decisions += len(part.starts) + len(part.seats) + len(part.evictions)
    assert left_out > seen / 4
    assert decisions > ROUNDS


def test_a_cycle_counts_those_that_it_did_not_read(alice, lab):
    left_out = 0
    for seed in range(ROUNDS // 3):
        cluster = any_cluster(lab, alice, Random(10_000 + seed))
        now = timezone.now()
        whole = decide(snapshot.load([cluster], now)).clusters[0]
        few = snapshot.load([cluster], now, everybody=False).clusters[0]
        pending = Deployment.objects.filter(cluster=cluster, status=Status.PENDING).count()
        run_cycle(cluster_ids=[cluster.pk])
        if written := Cycle.objects.filter(cluster=cluster).first():
            left_out += pending - len(few.pending)
            told = (written.pending, written.scheduled, written.unschedulable, written.held)
            assert told == (pending, whole.scheduled, whole.unschedulable, whole.held), seed
    assert left_out > 20


def test_after_a_cycle_all_who_wait_are_quiet(alice, lab, cluster):
    """In a cluster where room is short and nobody has a seat."""
    submit(cluster, 8)
    others = [submit(cluster, 1 + number % 8, dice) for number, dice in enumerate((LOW, MEDIUM) * 10)]
    run_cycle(cluster_ids=[cluster.pk])
    assert snapshot.load([cluster], timezone.now(), everybody=False).clusters[0].pending == ()
    assert len(snapshot.load([cluster], timezone.now()).clusters[0].pending) == len(others)


def test_one_more_that_cannot_start_is_told_why_and_the_others_are_left_alone(cluster):
    submit(cluster, 8)
    for _ in range(20):
        submit(cluster, 1)
    run_cycle(cluster_ids=[cluster.pk])
    late = submit(cluster, 1)
    with CaptureQueriesContext(connection) as queries:
        run_cycle(cluster_ids=[cluster.pk])
    assert len([query for query in queries if "SET reason" in query["sql"]]) == 1
    late.refresh_from_db()
    assert late.reason == QUIET
    assert counts(cluster) == (0, 0, 21, 0)


@pytest.mark.parametrize("way", ["rows", "manager"])
def test_a_dependency_is_seen_by_whatever_road_it_comes(way, cluster):
    submit(cluster, 8, HIGH)
    first, second = submit(cluster, 8), submit(cluster, 8)
    run_cycle(cluster_ids=[cluster.pk])
    if way == "rows":
        second.dependency_rows.create(depends_on=first)
    else:
        second.depends_on.add(first)
    second.refresh_from_db()
    assert second.has_dependencies
    run_cycle(cluster_ids=[cluster.pk])
    second.refresh_from_db()
    assert second.reason == Reason.WAITING_FOR_DEPENDENCIES.value
