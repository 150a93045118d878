"""Edits that meet on PostgreSQL: first without the guard, where the bad thing happens, then with it."""

from typing import Any

import pytest

from accounts.errors import Conflict, InvalidInput
from clusters.locks import sole_reconcilers
from clusters.models import Cluster, ClusterShare
from clusters.services import create_cluster, delete_cluster
from clusters.sharing.services import share_cluster, unshare_cluster
from clusters.tests.factories import ClusterFactory
from deployments.models import Dependency, Deployment
from deployments.services import batch, change, reconciliation, steer, submit
from deployments.services.batch_order import Entry
from deployments.services.reconciliation import reconcile_cluster
from deployments.states import Status
from deployments.tests.factories import DeploymentFactory
from deployments.tests.lives import book, engine_of, in_state, live, now_is
from deployments.tests.racing import Meeting, elsewhere, race
from organizations.services import delete_organization, lock_organization
from organizations.tests.factories import OrganizationFactory

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("only_legal_moves")]
both_ways = pytest.mark.parametrize("guarded", [False, True], ids=["without the guard", "guarded"])
WANTS = {"name": "train", "docker_image": "train:1", "required_ram": 1024, "required_cpu": 1000}


@both_ways
def test_two_edits_that_together_close_a_circle(guarded, alice, lab, monkeypatch):
    first, second = (
        DeploymentFactory(cluster=ClusterFactory(organization=lab)) for _ in range(2)
    )  # two clusters, or the cluster's lock would be guard enough
    written = Dependency.objects.bulk_create
    meetings = {first.pk: Meeting(), second.pk: Meeting()}

    def write_when_both_have_checked(rows, **options):
        (row,) = rows
        meetings[row.deployment_id].arrive()
        meetings[row.depends_on_id].wait()
        return written(rows, **options)

    monkeypatch.setattr(Dependency.objects, "bulk_create", write_when_both_have_checked)
    if not guarded:
        monkeypatch.setattr(change, "lock_organization", lambda **_: None)

    def edit(waiting: Deployment, other: Deployment):
        changes = {"dependency_ids": [other.pk]}
        return lambda: change.change_deployment(actor=alice, deployment=waiting, changes=changes)

    answers = race(edit(first, second), edit(second, first))
    refused = [answer for answer in answers if isinstance(answer, InvalidInput)]
    assert (len(refused), Dependency.objects.count()) == ((1, 1) if guarded else (0, 2))


@both_ways
@pytest.mark.parametrize("how", ["alone", "in a batch"])
def test_a_deletion_and_one_that_begins_to_wait_for_it(how, guarded, alice, cluster, monkeypatch):
    first = DeploymentFactory(cluster=cluster)
    checked, deleted = Meeting(), Meeting()
    write = Dependency.objects.bulk_create

    def dawdles_before_it_writes(rows, **options):
        checked.arrive()
        deleted.wait()
        return write(rows, **options)

    def delete():
        checked.wait()
        try:
            steer.delete_deployment(actor=alice, deployment_id=first.pk)
        finally:
            deleted.arrive()

    def submit_dependent():
        return submit.submit_deployment(
            actor=alice, organization_id=cluster.organization_id, cluster=cluster, dependency_ids=[first.pk], **WANTS
        )  # fmt: skip

    def submit_dependent_in_a_batch():
        asked = WANTS | {"cluster_id": cluster.pk, "dependency_ids": [first.pk]}
        return batch.submit_batch(actor=alice, clusters={cluster.pk: cluster}, entries=[Entry(asked)])

    monkeypatch.setattr(Dependency.objects, "bulk_create", dawdles_before_it_writes)
    if not guarded:
        monkeypatch.setattr(steer, "lock_organization", lambda **_: None)
    _, refused = race({"alone": submit_dependent, "in a batch": submit_dependent_in_a_batch}[how], delete)
    first.refresh_from_db()
    waits_for_what_is_gone = first.deleted_at is not None and Dependency.objects.exists()
    assert waits_for_what_is_gone is not guarded
    assert isinstance(refused, Conflict) is guarded


@both_ways
@pytest.mark.parametrize("arrival", ["submitted", "in a batch", "queued anew"])
def test_a_clusters_deletion_and_a_deployment_that_arrives(arrival, guarded, alice, cluster, monkeypatch):
    ended = in_state(cluster, Status.COMPLETED)
    checked, deleted = Meeting(), Meeting()

    def fits_and_dawdles(*_, **__):
        checked.arrive()
        deleted.wait()

    def delete():
        checked.wait()
        try:
            delete_cluster(actor=alice, cluster_id=cluster.pk)
        finally:
            deleted.arrive()

    def arrive():
        if arrival == "queued anew":
            return steer.requeue_deployment(actor=alice, deployment_id=ended.pk)
        if arrival == "in a batch":
            return batch.submit_batch(
                actor=alice,
                clusters={cluster.pk: cluster},
                entries=[Entry(WANTS | {"cluster_id": cluster.pk})],
            )
        return submit.submit_deployment(
            actor=alice, organization_id=cluster.organization_id, cluster=cluster, **WANTS
        )

    for module in (submit, batch, steer):
        check = "refuse_what_cannot_run" if module is submit else "what_cannot_run"
        monkeypatch.setattr(module, check, fits_and_dawdles)
    if not guarded:
        monkeypatch.setattr(
            batch, "keep_clusters", lambda ids: {pk: Cluster.objects.get(pk=pk) for pk in ids}
        )
        monkeypatch.setattr(submit, "keep_cluster", lambda id_: Cluster.objects.get(pk=id_))
        monkeypatch.setattr(
            "deployments.services.locking.lock_clusters", lambda ids: list(Cluster.objects.filter(pk__in=ids))
        )
    _, refused = race(arrive, delete)
    waits_where_nothing_starts = Deployment.objects.filter(
        status=Status.PENDING, cluster__deleted_at__isnull=False
    ).exists()
    assert waits_where_nothing_starts is not guarded
    assert isinstance(refused, Conflict) is guarded


@both_ways
@pytest.mark.parametrize("arrival", ["submitted", "in a batch", "queued anew", "moved"])
def test_a_share_that_is_taken_away_and_a_deployment_that_arrives(
    arrival, guarded, alice, cluster, monkeypatch
):
    guests = OrganizationFactory()
    whose = {"organization": guests, "created_by": guests.memberships.get().user}
    share_cluster(actor=alice, cluster_id=cluster.pk, organization_id=guests.pk)
    ended = in_state(cluster, Status.COMPLETED, **whose)
    waiting = DeploymentFactory(cluster=ClusterFactory(organization=guests), **whose)
    checked, taken = Meeting(), Meeting()

    def fits_and_dawdles(*_, **__):
        checked.arrive()
        taken.wait()

    def take():
        checked.wait()
        try:
            unshare_cluster(actor=alice, cluster_id=cluster.pk, organization_id=guests.pk)
        finally:
            taken.arrive()

    def arrive():
        if arrival == "queued anew":
            return steer.requeue_deployment(actor=alice, deployment_id=ended.pk)
        if arrival == "moved":
            return change.change_deployment(actor=alice, deployment=waiting, changes={}, cluster=cluster)
        if arrival == "in a batch":
            asked = WANTS | {"cluster_id": cluster.pk, "organization_id": guests.pk}
            return batch.submit_batch(actor=alice, clusters={cluster.pk: cluster}, entries=[Entry(asked)])
        return submit.submit_deployment(actor=alice, organization_id=guests.pk, cluster=cluster, **WANTS)

    for module in (submit, batch, steer, change):
        check = "refuse_what_cannot_run" if module in {submit, change} else "what_cannot_run"
        monkeypatch.setattr(module, check, fits_and_dawdles)
    if not guarded:
        monkeypatch.setattr(submit, "keeps_use", lambda *_, **__: True)
        monkeypatch.setattr(batch, "keep_uses", lambda clusters, **_: {one.pk for one in clusters})
        monkeypatch.setattr(
            "deployments.services.locking.lock_clusters", lambda ids: list(Cluster.objects.filter(pk__in=ids))
        )
        for module in (steer, change):
            monkeypatch.setattr(module, "keeps_use", lambda *_, **__: True)
    _, refused = race(arrive, take)
    is_shared = ClusterShare.objects.filter(organization=guests).exists()
    waits = Deployment.objects.filter(organization=guests, cluster=cluster, status=Status.PENDING).exists()
    assert (waits, is_shared) == (True, guarded)
    assert isinstance(refused, Conflict) is guarded


@both_ways
@pytest.mark.parametrize("arrival", ["a cluster", "one queued anew"])
def test_an_organizations_deletion_and_what_arrives_in_it(arrival, guarded, alice, lab, cluster, monkeypatch):
    ended = in_state(cluster, Status.COMPLETED)
    begun, deleted = Meeting(), Meeting()
    lock = lock_organization

    def lock_and_dawdle(**options):
        if guarded:
            lock(**options)
        begun.arrive()
        deleted.wait()

    def delete():
        begun.wait()
        try:
            delete_organization(actor=alice, organization=lab)
        finally:
            deleted.arrive()

    def arrive():
        if arrival == "a cluster":
            return create_cluster(
                actor=alice, organization_id=lab.pk, name="new", total_gpu=0, total_cpu=0, total_ram=0
            )
        return steer.requeue_deployment(actor=alice, deployment_id=ended.pk)

    monkeypatch.setattr("clusters.services.manage.lock_organization", lock_and_dawdle)
    monkeypatch.setattr(steer, "lock_organization", lock_and_dawdle)
    _, refused = race(arrive, delete)
    lab.refresh_from_db()
    if arrival == "a cluster":
        # A cluster is no reason against a deletion: it only must not come after it.
        assert Cluster.objects.filter(name="new", created_at__gt=lab.deleted_at).exists() is not guarded
    else:
        assert isinstance(refused, Conflict) is guarded
        assert (now_is(ended)[0], lab.deleted_at is None) == ("pending", guarded)


def test_a_stop_that_comes_while_the_end_is_recorded_finds_it_ended(alice, cluster):
    deployment = DeploymentFactory(cluster=cluster, simulated_seconds=0)
    for _ in range(10):
        if now_is(deployment)[0] != Status.PENDING:
            steer.requeue_deployment(actor=alice, deployment_id=deployment.pk)
        book(deployment)
        looked, stopped = race(
            lambda: reconcile_cluster(cluster_id=cluster.pk),
            lambda: steer.stop_deployment(actor=alice, deployment_id=deployment.pk),
        )
        assert looked is True
        assert isinstance(stopped, Deployment | Conflict)
        reconcile_cluster(cluster_id=cluster.pk)
        assert now_is(deployment)[0] == "completed"


@both_ways
def test_a_second_reconcile_pass_of_a_cluster_leaves_it_to_the_first(guarded, cluster, monkeypatch):
    looked = []
    inside = reconciliation._reconcile

    def second_while_the_first_is_at_it(clusters: list[Cluster], counts_misses: Any) -> None:
        looked.extend(clusters)
        if len(looked) == 1:
            answers.append(elsewhere(lambda: reconcile_cluster(cluster_id=cluster.pk)))
        inside(clusters, counts_misses)

    answers: list[bool] = []
    monkeypatch.setattr(reconciliation, "_reconcile", second_while_the_first_is_at_it)
    if not guarded:
        monkeypatch.setattr("clusters.locks._all_that", lambda _, ids: set(ids))
    answers.append(reconcile_cluster(cluster_id=cluster.pk))
    assert answers == [not guarded, True]
    assert len(looked) == (1 if guarded else 2)


def test_a_worker_that_is_killed_leaves_no_lock_behind(cluster):
    def dies_with_the_lock():
        lock = sole_reconcilers([cluster.pk])
        assert lock.__enter__() == {cluster.pk}
        return lock  # never left; its connection is closed when the thread ends

    lock = elsewhere(dies_with_the_lock)
    deployment = DeploymentFactory(cluster=cluster)
    book(deployment)
    assert reconcile_cluster(cluster_id=cluster.pk)
    assert engine_of(cluster).starts(live(deployment).container_name) == 1
    del lock
