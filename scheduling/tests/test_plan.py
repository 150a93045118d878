"""POST /clusters/{id}/plan: what the next cycle would do. PROOF_SCALE=17 compares a thousand clusters."""

import os
from datetime import timedelta
from random import Random
from types import SimpleNamespace

from django.db import connection
from django.db.models import Max
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from clusters.models import Cluster
from clusters.tests.factories import ClusterFactory
from deployments.models import Dependency, Deployment, DeploymentEvent, Run
from deployments.states import Status
from deployments.tests.factories import DeploymentFactory
from deployments.tests.lives import in_state
from organizations.tests.factories import OrganizationFactory
from scheduling import planning
from scheduling.core.policy import PRESETS
from scheduling.models import ClusterPolicy, Cycle
from scheduling.services import run_cycle
from scheduling.tests.cycles import HIGH, LOW, MEDIUM, cycle, submit

SCALE = int(os.environ.get("PROOF_SCALE", "1"))
SHOWS_OTHERS = {
    "deployment_id": None,
    "index": None,
    "name": None,
    "priority": 1,
    "required_ram": 1,
    "required_cpu": 1,
}


def plan(api, who, cluster, *supposed, status=200):
    answer = api(who).post(
        f"/clusters/{cluster.pk}/plan", {"deployments": list(supposed)} if supposed else {}
    )
    assert answer.status_code == status, answer.content
    return answer.json()


def ids(planned):
    return [one["deployment_id"] for one in planned]


def a_busy(cluster, dice):
    """Runs and waiting ones of every kind; some wait for others, for a retry, or for room that is being freed."""
    done = in_state(cluster, Status.COMPLETED, gpu=0)
    failed = in_state(cluster, Status.FAILED, gpu=0)
    for _ in range(dice.randint(2, 7)):
        status = dice.choice((Status.STARTING, Status.RUNNING, Status.RUNNING, Status.STOPPING))
        cluster.refresh_from_db()
        if (gpu := dice.randint(0, 3)) * 1000 <= cluster.available.gpu:
            in_state(cluster, status, gpu=gpu, priority=dice.choice((LOW, LOW, MEDIUM, HIGH)))
    waiting = []
    for _ in range(dice.randint(1, 9)):
        one = submit(cluster, dice.randint(0, 5), dice.choice((LOW, MEDIUM, HIGH, HIGH)))
        waits_for = dice.choice((None, None, None, done, failed, *waiting))
        if waits_for:
            Dependency.objects.create(deployment=one, depends_on=waits_for)
        elif dice.random() < 0.2:
            due = timezone.now() + timedelta(hours=dice.choice((-1, 1)))
            Deployment.objects.filter(pk=one.pk).update(retry_at=due)
        waiting.append(one)
    if dice.random() < 0.3:
        run_cycle(cluster_ids=[cluster.pk])
        submit(cluster, dice.randint(1, 4), HIGH)
    if dice.random() < 0.1:
        Cluster.objects.filter(pk=cluster.pk).update(paused=True)


def happened(cluster, since):
    """What the cycle wrote, as its events and the queue tell."""
    events = DeploymentEvent.objects.filter(deployment__cluster=cluster, pk__gt=since)
    told = {
        kind: set(events.filter(kind=kind).values_list("deployment_id", flat=True))
        for kind in ("scheduled", "seat_granted", "seat_dropped")
    }
    evicted = events.filter(kind="preempted").values_list("deployment_id", flat=True)
    told["evictions"] = set(
        Run.objects.filter(outcome=None, deployment__in=evicted).values_list(
            "deployment_id", "preempted_by_id"
        )
    )
    told["reasons"] = dict(
        Deployment.objects.filter(cluster=cluster, status=Status.PENDING).values_list("id", "reason")
    )
    return told


def foretold(answer, named):
    """The same, as the plan told it; `named` finds a deployment's id."""
    return {
        "scheduled": {named(one) for one in answer["starts"]},
        "seat_granted": {named(one) for one in answer["seats"]},
        "seat_dropped": {named(one) for one in answer["dropped_seats"]},
        "evictions": {(named(one["victim"]), named(one["preemptor"])) for one in answer["evictions"]},
        "reasons": {named(one["deployment"]): one["reason"] for one in answer["reasons"]},
    }


def test_a_plan_is_what_the_next_cycle_does(api, alice, lab, monkeypatch):
    evictions = seats = starts = 0
    for seed in range(60 * SCALE):
        dice = Random(seed)
        cluster = ClusterFactory(organization=lab)
        ClusterPolicy.objects.create(cluster=cluster, preset=dice.choice(list(PRESETS)))
        a_busy(cluster, dice)
        # What a run would lose grows with every millisecond: the cycle looks at the moment of the plan.
        moment = timezone.now()
        monkeypatch.setattr(planning, "timezone", SimpleNamespace(now=lambda at=moment: at))
        answer = plan(api, alice, cluster)
        last = DeploymentEvent.objects.order_by("-pk").values_list("pk", flat=True).first()
        cycles = Cycle.objects.aggregate(last=Max("pk"))["last"] or 0
        done = run_cycle(cluster_ids=[cluster.pk]).plan.clusters[0]
        assert foretold(answer, lambda one: one["deployment_id"]) == happened(cluster, last), seed
        assert ids(answer["starts"]) == list(done.starts), seed
        counts = ("pending", "scheduled", "preempted", "unschedulable", "held")
        for written in Cycle.objects.filter(cluster=cluster, pk__gt=cycles):
            assert [answer[name] for name in counts] == [getattr(written, name) for name in counts], seed
        evictions, seats, starts = (
            evictions + len(answer["evictions"]), seats + len(answer["seats"]), starts + len(answer["starts"]),
        )  # fmt: skip
        monkeypatch.undo()
    assert min(evictions, seats, starts) > 20


def test_what_is_supposed_is_planned_like_what_is_then_submitted(api, alice, lab):
    preemptors = 0
    for seed in range(30):
        dice = Random(1000 + seed)
        cluster = ClusterFactory(organization=lab)
        a_busy(cluster, dice)
        supposed = [
            {
                "required_gpu": dice.randint(0, 6),
                "required_ram": 1,
                "required_cpu": 1,
                "priority": dice.randint(1, 3),
            }
            for _ in range(dice.randint(1, 5))
        ]
        answer = plan(api, alice, cluster, *supposed)
        bodies = [
            one | {"name": "n", "docker_image": "busybox", "cluster_id": cluster.pk} for one in supposed
        ]
        made = [api(alice).post("/deployments", body).json()["id"] for body in bodies]

        def named(one, made=made):
            return one["deployment_id"] if one["index"] is None else made[one["index"]]

        last = DeploymentEvent.objects.order_by("-pk").values_list("pk", flat=True).first()
        run_cycle(cluster_ids=[cluster.pk])
        assert foretold(answer, named) == happened(cluster, last), seed
        preemptors += sum(one["preemptor"]["index"] is not None for one in answer["evictions"])
    assert preemptors > 3


def test_what_is_supposed_stands_behind_all_of_its_priority_in_the_order_given(api, alice, cluster):
    ahead = submit(cluster, 4, queued_at=timezone.now() + timedelta(minutes=1))
    wants = {"required_gpu": 4, "required_ram": 1, "required_cpu": 1}
    answer = plan(api, alice, cluster, wants | {"name": "first"}, wants | {"priority": "LOW"}, wants)
    assert [(one["deployment_id"], one["index"], one["name"]) for one in answer["starts"]] == [
        (ahead.pk, None, None),
        (None, 0, "first"),
    ]
    assert [one["deployment"]["index"] for one in answer["reasons"]] == [2, 1]
    assert answer["pending"] == 4


def test_one_that_could_never_start_is_refused_by_its_index(api, alice, lab, cluster):
    fine = {"required_ram": 1, "required_cpu": 1}
    problem = plan(api, alice, cluster, fine, fine | {"required_gpu": 9}, {"required_cpu": "1"}, status=400)
    assert {error["field"] for error in problem["errors"]} == {
        "deployments[2].required_ram", "deployments[2].required_cpu",
    }  # fmt: skip
    problem = plan(api, alice, cluster, fine, fine | {"required_gpu": 9}, status=400)
    (error,) = problem["errors"]
    assert error["field"] == "deployments[1].required_gpu"
    assert "at most 8" in error["detail"]
    real = ClusterFactory(organization=lab, runtime="docker")
    problem = plan(api, alice, real, fine | {"required_gpu": 0.5}, status=400)
    assert problem["errors"][0]["field"] == "deployments[0].required_gpu"


def test_anothers_work_is_an_amount_and_a_priority(api, alice, bob, cluster):
    theirs = DeploymentFactory(
        cluster=cluster, organization=OrganizationFactory(), created_by=alice, gpu=8, priority=LOW
    )
    run_cycle(cluster_ids=[cluster.pk])
    waiting = DeploymentFactory(
        cluster=cluster, organization=theirs.organization, created_by=alice, gpu=1, priority=LOW
    )
    held = DeploymentFactory(
        cluster=cluster, organization=theirs.organization, created_by=alice, gpu=1, priority=LOW
    )
    Dependency.objects.create(deployment=held, depends_on=waiting)
    mine = submit(cluster, 8, HIGH)
    answer = plan(api, bob, cluster)
    ((eviction),) = answer["evictions"]
    assert eviction["victim"] == SHOWS_OTHERS | {"required_gpu": 8}
    assert eviction["preemptor"]["deployment_id"] == mine.pk
    assert answer["reasons"][1:] == [
        {"deployment": SHOWS_OTHERS | {"required_gpu": 1}, "reason": reason}
        for reason in ("insufficient_capacity", None)
    ]


def test_a_plan_writes_nothing_and_asks_few_questions(api, alice, cluster):
    low = submit(cluster, 8, LOW)
    cycle(cluster)
    high = submit(cluster, 8, HIGH)
    before = (Cycle.objects.count(), DeploymentEvent.objects.count())
    client = api(alice)
    client.get("/clusters")
    with CaptureQueriesContext(connection) as queries:
        assert client.post(f"/clusters/{cluster.pk}/plan", {}).json()["preempted"] == 1
    asked = [query["sql"] for query in queries if "SAVEPOINT" not in query["sql"]]
    assert len(asked) == 7
    assert all(
        sql.lstrip().removeprefix("COPY (").startswith("SELECT") and "FOR " not in sql for sql in asked
    )
    for one, status in ((low, Status.STARTING), (high, Status.PENDING)):
        one.refresh_from_db()
        assert (one.status, one.reason) == (status, None)
    assert (Cycle.objects.count(), DeploymentEvent.objects.count()) == before


def test_nobody_plans_on_a_cluster_that_they_cannot_see(api, charlie, cluster):
    plan(api, charlie, cluster, status=404)


def test_who_asks_too_often_waits_and_nobody_else_does(api, alice, bob, cluster, settings):
    rest = settings.REST_FRAMEWORK
    settings.REST_FRAMEWORK = rest | {
        "DEFAULT_THROTTLE_RATES": rest["DEFAULT_THROTTLE_RATES"] | {"plan": "1/min"}
    }
    plan(api, alice, cluster)
    plan(api, alice, cluster, status=429)
    plan(api, bob, cluster)
