"""GET /deployments/{id}/explain, and why it waits on the deployment's own page."""

from datetime import timedelta
from random import Random

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.tests.factories import UserFactory
from clusters.models import Cluster
from clusters.services import change_cluster
from clusters.tests.factories import ClusterFactory
from deployments.models import Dependency, Deployment, Run
from deployments.states import Status
from deployments.tests.factories import DeploymentFactory
from deployments.tests.lives import in_state, look
from organizations.tests.factories import OrganizationFactory
from scheduling.policy_services import set_policy
from scheduling.services import run_cycle
from scheduling.tests.cycles import HIGH, LOW, MEDIUM, cycle, lose_engine, pause, submit
from scheduling.tests.test_plan import a_busy

NOTHING = {"ram": 0, "cpu": 0, "gpu": 0}


def explain(api, who, deployment, status=200):
    answer = api(who).get(f"/deployments/{deployment.pk}/explain")
    assert answer.status_code == status, answer.content
    return answer.json()


def detail(api, who, deployment):
    return api(who).get(f"/deployments/{deployment.pk}").json()


def kinds(answer):
    return [one["kind"] for one in answer["suggestions"]]


def suggested(answer, kind):
    (found,) = (one for one in answer["suggestions"] if one["kind"] == kind)
    return found


def reasons(answer):
    return [one["reason"] for one in answer["reasons"]]


@pytest.fixture
def waiting(full, cluster):
    """A MEDIUM one that wants six GPUs of the full cluster."""
    one = submit(cluster, 6, MEDIUM, name="wants six")
    cycle(cluster)
    return one


def test_it_says_what_lacks_and_who_holds_it(api, alice, waiting, full, cluster):
    answer = explain(api, alice, waiting)
    assert answer["reasons"] == [{"reason": "insufficient_capacity", "deficits": NOTHING | {"gpu": 6}}]
    assert (answer["queue_position"], answer["queue_length"]) == (1, 1)
    assert [one["deployment_id"] for one in answer["holders"]] == [one.pk for one in full]
    assert answer["summary"] == "It waits: there is not enough free room (short of 6 GPUs)."


def test_what_it_suggests_does_what_it_says_when_it_is_done(api, alice, waiting, full, cluster):
    high = suggested(explain(api, alice, waiting), "another_priority")
    assert high["change"] == {"priority": 3}
    assert high["effect"] == "seat"
    assert {one["deployment_id"] for one in high["evicts"]} == {one.pk for one in full}
    api(alice).patch(f"/deployments/{waiting.pk}", high["change"])
    planned = api(alice).post(f"/clusters/{cluster.pk}/plan", {}).json()
    assert [one["deployment_id"] for one in planned["seats"]] == [waiting.pk]
    assert len(planned["evictions"]) == 2


def test_a_smaller_one_that_it_suggests_starts(api, alice, full, cluster):
    Cluster.objects.filter(pk=cluster.pk).update(total_gpu=10_000)
    waiting = submit(cluster, 6)
    cycle(cluster)
    less = suggested(explain(api, alice, waiting), "ask_for_less")
    assert less["change"] == {"required_gpu": 2}
    assert less["text"] == "It starts if it asks for at most 2 GPUs instead of 6."
    api(alice).patch(f"/deployments/{waiting.pk}", less["change"])
    cycle(cluster)
    waiting.refresh_from_db()
    assert waiting.status == Status.STARTING


def test_every_amount_of_ram_that_it_suggests_can_be_written_and_starts_it(api, alice, lab):
    client = api(alice)
    for held in range(301, 331):
        box = ClusterFactory(organization=lab, ram=2)
        in_state(box, Status.RUNNING, ram=held / 1024)
        one = DeploymentFactory(cluster=box, ram=2)
        run_cycle(cluster_ids=[box.pk])
        change = suggested(explain(api, alice, one), "ask_for_less")["change"]
        assert 2 - (held + 2) / 1024 < change["required_ram"] < 2 - (held - 1) / 1024
        assert client.patch(f"/deployments/{one.pk}", change).status_code == 200
        planned = client.post(f"/clusters/{box.pk}/plan", {}).json()
        assert [row["deployment_id"] for row in planned["starts"]] == [one.pk]


def test_a_real_engine_is_asked_for_whole_gpus(api, alice, lab):
    box = ClusterFactory(organization=lab, runtime="docker", gpu=8)
    in_state(box, Status.RUNNING, gpu=5)
    one = DeploymentFactory(cluster=box, gpu=4)
    run_cycle(cluster_ids=[box.pk])
    assert suggested(explain(api, alice, one), "ask_for_less")["change"] == {"required_gpu": 3}


def test_several_reasons_are_told_at_once_here_and_on_its_page(api, alice, full, cluster):
    first = submit(cluster, 1)
    second = submit(cluster, 4)
    Dependency.objects.create(deployment=second, depends_on=first)
    cycle(cluster)
    pause(alice, second)
    answer = explain(api, alice, second)
    assert reasons(answer) == ["waiting_for_dependencies", "cluster_paused", "insufficient_capacity"]
    assert answer["reasons"][2]["deficits"] == NOTHING | {"gpu": 4}
    assert answer["waits_for"] == [{"deployment_id": first.pk, "name": first.name, "status": "pending"}]
    assert answer["suggestions"] == []
    assert answer["summary"].endswith("No single change would start it.")
    assert detail(api, alice, second)["reasons"] == answer["reasons"]


def test_one_that_only_waits_for_another_is_told_so(api, alice, cluster):
    first = in_state(cluster, Status.RUNNING)
    second = submit(cluster, 4)
    Dependency.objects.create(deployment=second, depends_on=first)
    cycle(cluster)
    answer = explain(api, alice, second)
    assert kinds(answer) == ["dependencies_met"]
    assert (
        answer["suggestions"][0]["text"]
        == f"It starts when {first.name} (#{first.pk}) completes; nobody knows when."
    )


def test_of_several_that_it_waits_for_none_is_told_to_start_it_alone(api, alice, cluster):
    second = submit(cluster, 4)
    for _ in range(2):
        Dependency.objects.create(deployment=second, depends_on=in_state(cluster, Status.RUNNING))
    cycle(cluster)
    (told,) = explain(api, alice, second)["suggestions"]
    assert (told["run"], told["at"]) == (None, None)
    assert told["text"] == "It starts when all that it waits for have completed."


def test_the_next_of_a_pipeline_starts_when_the_run_before_it_completes_and_leaves_the_room(
    api, alice, cluster
):
    first = in_state(cluster, Status.RUNNING, gpu=8, expected_seconds=3600)
    second = submit(cluster, 8)
    Dependency.objects.create(deployment=second, depends_on=first)
    cycle(cluster)
    answer = explain(api, alice, second)
    assert reasons(answer) == ["waiting_for_dependencies", "insufficient_capacity"]
    assert "No single change" not in answer["summary"]
    (told,) = answer["suggestions"]
    assert (told["kind"], told["effect"], told["run"]["deployment_id"]) == (
        "dependencies_met", "starts", first.pk,
    )  # fmt: skip
    assert told["text"].startswith(f"It starts when {first.name} (#{first.pk}) completes, likely at ")
    assert told["at"] == answer["start"]["likely"]
    assert minutes_ahead(answer, told["at"]) == 60
    api(alice).post(f"/deployments/{first.pk}/stop")
    look(cluster)
    cycle(cluster)
    second.refresh_from_db()
    assert second.status == Status.STARTING


@pytest.mark.parametrize("how", ["restarts", "stopped as failed"])
def test_an_end_that_completes_nothing_is_not_told_as_the_start_of_who_waits_for_it(api, alice, cluster, how):
    restart = "always" if how == "restarts" else "never"
    first = in_state(cluster, Status.RUNNING, gpu=8, expected_seconds=3600, restart_policy=restart)
    second = submit(cluster, 8)
    Dependency.objects.create(deployment=second, depends_on=first)
    cycle(cluster)
    if how == "stopped as failed":
        api(alice).post(f"/deployments/{first.pk}/stop?status=failed")
    answer = explain(api, alice, second)
    assert answer["status"] == "pending"
    assert answer["suggestions"][0]["at"] is None
    assert answer["start"]["likely"] is None


def test_a_paused_cluster_is_worth_resuming_only_where_that_would_start_it(api, alice, cluster, full):
    small = submit(cluster, 0, LOW)
    large = submit(cluster, 4, LOW)
    pause(alice, small)
    assert "the cluster is resumed" in suggested(explain(api, alice, small), "cluster_ready")["text"]
    assert kinds(explain(api, alice, large)) == []


def test_a_retry_that_is_due_later_is_told_with_its_time(api, alice, cluster):
    one = submit(cluster, 1)
    due = timezone.now() + timedelta(hours=1)
    Deployment.objects.filter(pk=one.pk).update(retry_at=due)
    answer = explain(api, alice, one)
    assert reasons(answer) == ["waiting_for_retry"]
    assert suggested(answer, "retry_due")["at"] == due.isoformat().replace("+00:00", "Z")


def test_another_cluster_is_suggested_only_where_one_may_move_it(api, alice, lab, waiting):
    free = ClusterFactory(organization=lab, name="free")
    ClusterFactory(organization=lab, name="small", gpu=5)
    ClusterFactory(organization=OrganizationFactory(owner=alice), name="elsewhere")
    gone = ClusterFactory(organization=lab, name="gone")
    Cluster.objects.filter(pk=gone.pk).update(deleted_at=timezone.now())
    answer = explain(api, alice, waiting)
    assert answer["clusters_considered"] == [free.pk]
    move = suggested(answer, "another_cluster")
    assert move["change"] == {"cluster_id": free.pk}
    assert move["text"] == f"It starts if it is moved to cluster free (#{free.pk})."
    assert api(alice).patch(f"/deployments/{waiting.pk}", move["change"]).status_code == 200
    run_cycle(cluster_ids=[free.pk])
    waiting.refresh_from_db()
    assert waiting.status == Status.STARTING


def ran_for(deployment, *, minutes, **declared):
    """As if it had run for so long already."""
    since = timezone.now() - timedelta(minutes=minutes)
    Deployment.objects.filter(pk=deployment.pk).update(started_at=since, **declared)
    Run.objects.filter(deployment=deployment, outcome=None).update(running_at=since)


def minutes_ahead(answer, at):
    moment, now = (timezone.datetime.fromisoformat(text) for text in (at, answer["at"]))
    return round((moment - now).total_seconds() / 60)


def test_the_start_is_told_from_what_the_holders_declared(api, alice, waiting, full):
    ran_for(full[0], minutes=10, expected_seconds=30 * 60, time_limit_seconds=3600, grace_period_seconds=0)
    ran_for(full[1], minutes=10, expected_seconds=60 * 60, time_limit_seconds=7200, grace_period_seconds=0)
    answer = explain(api, alice, waiting)
    start = answer["start"]
    assert minutes_ahead(answer, start["likely"]) == 50
    assert minutes_ahead(answer, start["latest"]) == 110
    assert start["earliest"] is None
    assert [(minutes_ahead(answer, one["at"]), one["covers"]) for one in answer["releases"]] == [
        (20, False),
        (50, True),
    ]
    assert answer["covered_at"] == start["likely"]


def test_nothing_is_told_of_a_start_that_nobody_can_know(api, alice, waiting):
    answer = explain(api, alice, waiting)
    assert answer["start"]["unknown"] == "ends_are_unknown"
    assert answer["start"]["likely"] is None
    assert (answer["releases"], answer["unknown_ends"]) == ([], 2)


def test_finished_runs_of_the_same_kind_tell_how_long_the_next_takes(api, alice, waiting, full, cluster):
    for minutes in (20, 30, 40, 50, 60):
        done = in_state(cluster, Status.COMPLETED, gpu=0)
        ended = timezone.now()
        Run.objects.filter(deployment=done).update(
            running_at=ended - timedelta(minutes=minutes), ended_at=ended
        )
    for one in full:
        ran_for(one, minutes=10)
    answer = explain(api, alice, waiting)
    start = answer["start"]
    assert [minutes_ahead(answer, start[name]) for name in ("earliest", "likely", "latest")] == [10, 30, 50]
    assert {one["basis"] for one in answer["releases"]} == {"history"}


def test_one_that_does_not_wait_is_told_of_too(api, alice, cluster):
    for status, text in (
        (Status.RUNNING, "It is running. Nothing holds it."),
        (Status.COMPLETED, "It completed. Nothing holds it."),
        (Status.CANCELLED, "It was cancelled. Nothing holds it."),
    ):
        one = in_state(cluster, status)
        answer = explain(api, alice, one)
        assert (answer["status"], answer["summary"]) == (status, text)
        assert (answer["reasons"], answer["queue_position"], answer["start"]) == ([], None, None)
        shown = detail(api, alice, one)
        assert (shown["reasons"], shown["queue_position"]) == ([], None)


def test_anothers_work_is_an_amount_and_a_priority(api, alice, bob, cluster):
    strangers = OrganizationFactory(owner=UserFactory(username="oscar"))
    theirs = DeploymentFactory(
        cluster=cluster, organization=strangers, created_by=alice, gpu=8, priority=LOW, name="secret plans",
        expected_seconds=3600,
    )  # fmt: skip
    cycle(cluster)
    look(cluster)
    mine = submit(cluster, 8)
    cycle(cluster)
    answer = explain(api, bob, mine)
    amount = {"deployment_id": None, "name": None, "required_ram": 1, "required_cpu": 1, "required_gpu": 8}
    work = amount | {"organization_id": None, "priority": 1}
    assert answer["holders"] == [work | {"promised": False, "stopping": False}]
    (release,) = answer["releases"]
    assert release == amount | {"at": release["at"], "basis": None, "covers": True}
    assert suggested(answer, "another_priority")["evicts"] == [work]
    end = suggested(answer, "run_ends")
    assert end["run"] == amount
    assert end["text"].startswith("It starts when a run of another organization, of 8 GPUs, 1 core,")
    assert {mine.pk, None} == set(every(answer, "deployment_id"))
    assert set(every(answer, "organization_id")) == {None}
    for secret in ("secret plans", f"#{theirs.pk}", "oscar"):
        assert secret not in str(answer)


def every(answer, key):
    """All values that stand under a key, however deep."""
    if isinstance(answer, list):
        return [value for one in answer for value in every(one, key)]
    if not isinstance(answer, dict):
        return []
    return [*([answer[key]] if key in answer else []), *every(list(answer.values()), key)]


def test_its_page_tells_what_the_cycle_stored_and_explain_agrees(api, alice, lab):
    looked_at = 0
    for seed in range(25):
        dice = Random(seed)
        cluster = ClusterFactory(organization=lab)
        a_busy(cluster, dice)
        while run_cycle(cluster_ids=[cluster.pk]).plan.clusters[0].leftover:
            pass
        rows = Deployment.objects.filter(cluster=cluster, status=Status.PENDING)
        for place, one in enumerate(rows.order_by("-priority", "queued_at", "id"), start=1):
            shown, told = detail(api, alice, one), explain(api, alice, one)
            assert shown["reasons"] == told["reasons"], seed
            assert shown["reasons"][0]["reason"] == shown["reason"] == one.reason, seed
            assert shown["queue_position"] == told["queue_position"] == place, seed
            looked_at += 1
    assert looked_at > 50


def test_its_page_tells_its_place_as_the_cluster_ranks_its_queue(api, alice, full, cluster):
    set_policy(actor=alice, cluster_id=cluster.pk, changes={"preset": "balanced"})
    long, short = submit(cluster, 1, expected_seconds=3600), submit(cluster, 1, expected_seconds=60)
    for one, place in ((short, 1), (long, 2)):
        assert detail(api, alice, one)["queue_position"] == place
        assert explain(api, alice, one)["queue_position"] == place


def test_an_unreachable_engine_and_a_cluster_that_shrank_are_told(api, alice, full, cluster):
    one = submit(cluster, 1)
    Cluster.objects.filter(pk=cluster.pk).update(total_gpu=4000)
    cycle(cluster)
    assert reasons(detail(api, alice, one)) == ["cluster_overcommitted", "insufficient_capacity"]
    lose_engine(alice, one)
    assert reasons(explain(api, alice, one))[:2] == ["cluster_unreachable", "cluster_overcommitted"]


def test_one_that_asks_for_more_than_there_is_is_told_how_much(api, alice, full, cluster):
    one = submit(cluster, 8)
    for low in full:
        api(alice).post(f"/deployments/{low.pk}/stop")
    look(cluster)
    change_cluster(actor=alice, cluster_id=cluster.pk, changes={"total_gpu": 5000})
    answer = explain(api, alice, one)
    assert answer["reasons"] == [{"reason": "exceeds_cluster", "deficits": NOTHING | {"gpu": 3}}]
    assert suggested(answer, "ask_for_less")["change"] == {"required_gpu": 5}
    assert answer["start"]["unknown"] == "exceeds_cluster"


def test_a_seat_is_told_and_what_it_waits_for(api, alice, full, cluster):
    high = submit(cluster, 8, HIGH)
    assert explain(api, alice, high)["next_cycle"] == "seat"
    cycle(cluster)
    answer = explain(api, alice, high)
    assert reasons(answer) == ["waiting_for_eviction"] == reasons(detail(api, alice, high))
    other = submit(cluster, 1, LOW)
    cycle(cluster)
    assert [one["promised"] for one in explain(api, alice, other)["holders"]] == [True, False, False]


def test_an_explanation_reads_a_fixed_number_of_times_and_writes_nothing(api, alice, lab, waiting, cluster):
    client = api(alice)
    counts = []
    for _ in range(2):
        client.get("/organizations")
        with CaptureQueriesContext(connection) as queries:
            assert client.get(f"/deployments/{waiting.pk}/explain").status_code == 200
        asked = [query["sql"] for query in queries if "SAVEPOINT" not in query["sql"]]
        assert all(
            sql.lstrip().removeprefix("COPY (").startswith(("SELECT", "WITH")) and "FOR " not in sql
            for sql in asked
        )
        counts.append(len(asked))
        for _ in range(5):
            submit(cluster, 1)
            run_cycle(cluster_ids=[ClusterFactory(organization=lab).pk])
    assert counts == [14, 14]


def test_nobody_explains_what_they_cannot_see(api, charlie, waiting):
    explain(api, charlie, waiting, status=404)


def test_who_asks_too_often_waits(api, alice, waiting, settings):
    rest = settings.REST_FRAMEWORK
    settings.REST_FRAMEWORK = rest | {
        "DEFAULT_THROTTLE_RATES": rest["DEFAULT_THROTTLE_RATES"] | {"plan": "1/min"}
    }
    explain(api, alice, waiting)
    explain(api, alice, waiting, status=429)
