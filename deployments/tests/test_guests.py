"""Deployments of organizations that a cluster is shared with."""

import pytest

from accounts.errors import Conflict, InvalidInput
from accounts.tests.factories import UserFactory
from clusters.services import note_unreachable
from clusters.sharing.services import share_cluster, unshare_cluster
from clusters.tests.factories import ClusterFactory, CredentialFactory
from deployments.models import Deployment, DeploymentEvent, Run
from deployments.services.change import change_deployment
from deployments.services.give_up import declare_lost
from deployments.services.specs import container_spec
from deployments.services.submit import submit_deployment
from deployments.states import FINAL, Status
from deployments.tests.factories import DeploymentFactory
from deployments.tests.lives import in_state, run
from organizations.tests.factories import MembershipFactory, OrganizationFactory

WANTS = {"name": "n", "docker_image": "busybox", "required_ram": 1, "required_cpu": 1}


@pytest.fixture
def gina(db):
    """Owns an organization that is a guest."""
    return UserFactory(username="gina")


@pytest.fixture
def guests(gina):
    return OrganizationFactory(name="guests", owner=gina)


@pytest.fixture
def shared(alice, cluster, guests):
    share_cluster(actor=alice, cluster_id=cluster.pk, organization_id=guests.pk)
    cluster.refresh_from_db()
    return cluster


def submit(api, who, cluster, status=201, **fields):
    answer = api(who).post("/deployments", WANTS | {"cluster_id": cluster.pk} | fields)
    assert answer.status_code == status, answer.content
    return answer.json()


def batch(api, who, *bodies, status=201):
    answer = api(who).post("/deployments/bulk", {"deployments": [WANTS | body for body in bodies]})
    assert answer.status_code == status, answer.content
    return answer.json()


def fields_of(problem):
    return [error["field"] for error in problem["errors"]]


def theirs(shared, guests, status=Status.PENDING, **fields):
    return in_state(shared, status, organization=guests, created_by=guests.memberships.first().user, **fields)


def test_a_guest_submits_for_their_own_organization(api, gina, guests, shared):
    assert submit(api, gina, shared)["organization_id"] == guests.pk
    assert submit(api, gina, shared, organization_id=guests.pk)["organization_id"] == guests.pk


def test_a_member_of_the_owner_submits_for_the_owner_unless_they_say_so(api, alice, lab, guests, shared):
    MembershipFactory(organization=guests, user=alice)
    assert submit(api, alice, shared)["organization_id"] == lab.pk
    assert submit(api, alice, shared, organization_id=guests.pk)["organization_id"] == guests.pk


def test_who_is_in_several_guest_organizations_must_say_which(api, alice, gina, guests, shared):
    second = OrganizationFactory(owner=gina)
    share_cluster(actor=alice, cluster_id=shared.pk, organization_id=second.pk)
    refused = submit(api, gina, shared, 400)
    assert fields_of(refused) == ["organization_id"]
    assert f"{guests.pk} or {second.pk}" in refused["errors"][0]["detail"]
    assert submit(api, gina, shared, organization_id=second.pk)["organization_id"] == second.pk


def test_an_organization_that_does_not_use_it_answers_like_an_absent_one(api, gina, lab, guests, shared):
    own = OrganizationFactory(owner=gina)
    elsewhere = OrganizationFactory()
    answers = [
        submit(api, gina, shared, 400, organization_id=id_)["errors"]
        for id_ in (10**9, elsewhere.pk, lab.pk, own.pk)
    ]
    assert all(answer == answers[0] for answer in answers)
    assert answers[0][0]["field"] == "organization_id"


def test_the_role_in_the_submitting_organization_counts(api, alice, lab, guests, shared):
    viewer = MembershipFactory(organization=guests, role="viewer").user
    submit(api, viewer, shared, 403)
    batch(api, viewer, {"cluster_id": shared.pk}, status=403)
    MembershipFactory(organization=lab, user=viewer, role="member")
    assert submit(api, viewer, shared)["organization_id"] == lab.pk
    submit(api, viewer, shared, 403, organization_id=guests.pk)


def test_a_batch_is_of_a_guest_too(api, alice, gina, guests, shared):
    own = ClusterFactory(organization=guests)
    batch(api, gina, {"cluster_id": shared.pk}, {"cluster_id": own.pk, "organization_id": guests.pk})
    assert set(Deployment.objects.values_list("organization_id", flat=True)) == {guests.pk}
    MembershipFactory(organization=guests, user=alice)
    wrong = batch(api, alice, {"cluster_id": own.pk}, {"cluster_id": shared.pk}, status=400)
    assert fields_of(wrong) == ["deployments[1].cluster_id"]
    wrong = batch(
        api, alice, {"cluster_id": shared.pk}, {"cluster_id": shared.pk, "organization_id": 10**9}, status=400
    )
    assert fields_of(wrong) == ["deployments[1].organization_id"]


def test_a_batch_of_who_is_in_several_guest_organizations_must_say_which(api, alice, gina, guests, shared):
    second = OrganizationFactory(owner=gina)
    share_cluster(actor=alice, cluster_id=shared.pk, organization_id=second.pk)
    wrong = batch(api, gina, {"cluster_id": shared.pk}, status=400)
    assert fields_of(wrong) == ["deployments[0].organization_id"]
    batch(api, gina, *[{"cluster_id": shared.pk, "organization_id": second.pk}] * 2)


def test_a_guests_deployment_is_nobody_elses_to_see(api, alice, bob, gina, guests, shared):
    made = submit(api, gina, shared)["id"]
    run(Deployment.objects.get(pk=made))
    for who in (alice, bob):
        assert api(who).get("/deployments").json()["results"] == []
        for path in ("", "/runs", "/events", "/logs", "/dependencies"):
            assert api(who).get(f"/deployments/{made}{path}").status_code == 404
        for verb in ("stop", "cancel", "start", "checkpoint"):
            assert api(who).post(f"/deployments/{made}/{verb}").status_code == 404
    assert api(gina).get(f"/deployments/{made}/runs").json()["results"][0]["cluster_id"] == shared.pk


def test_the_owner_sees_amount_and_priority_in_a_plan(api, alice, gina, guests, shared):
    submit(api, gina, shared, priority="HIGH", required_gpu=2)
    (start,) = api(alice).post(f"/clusters/{shared.pk}/plan", {}).json()["starts"]
    assert start == {
        "deployment_id": None, "index": None, "name": None, "priority": 3,
        "required_ram": 1, "required_cpu": 1, "required_gpu": 2,
    }  # fmt: skip
    (mine,) = api(gina).post(f"/clusters/{shared.pk}/plan", {}).json()["starts"]
    assert mine["deployment_id"] == Deployment.objects.get().pk


def test_dependencies_and_credentials_are_the_submitters(api, gina, lab, guests, shared):
    owners = DeploymentFactory(cluster=shared)
    assert fields_of(submit(api, gina, shared, 400, dependency_ids=[owners.pk])) == ["dependency_ids"]
    image = {"docker_image": "registry.example.org/team/train:1"}
    of_owner, of_guest = (CredentialFactory(organization=one).pk for one in (lab, guests))
    refused = submit(api, gina, shared, 400, **image, registry_credential_id=of_owner)
    assert fields_of(refused) == ["registry_credential_id"]
    submit(api, gina, shared, **image, registry_credential_id=of_guest)


def test_a_move_goes_only_where_its_organization_may_be(api, alice, gina, lab, guests, shared):
    own = ClusterFactory(organization=guests)
    unshared = ClusterFactory(organization=lab)
    made = submit(api, gina, own)["id"]
    address = f"/deployments/{made}"
    assert api(gina).patch(address, {"cluster_id": shared.pk}).status_code == 200
    assert api(gina).patch(address, {"cluster_id": own.pk}).status_code == 200
    assert api(gina).patch(address, {"cluster_id": unshared.pk}).status_code == 400
    MembershipFactory(organization=lab, user=gina)
    refused = api(gina).patch(address, {"cluster_id": unshared.pk})
    assert (refused.status_code, fields_of(refused.json())) == (400, ["cluster_id"])
    with pytest.raises(InvalidInput):
        change_deployment(
            actor=gina, deployment=Deployment.objects.get(pk=made), changes={}, cluster=unshared
        )


def test_the_service_itself_refuses_an_organization_that_does_not_use_the_cluster(gina, guests, cluster):
    with pytest.raises(InvalidInput) as refused:
        submit_deployment(actor=gina, organization_id=guests.pk, cluster=cluster, **WANTS)
    assert list(refused.value.fields) == ["organization_id"]


@pytest.mark.parametrize("status", Status)
def test_a_share_stays_while_anything_of_it_waits_or_runs(status, alice, guests, shared):
    theirs(shared, guests, status)
    if status in FINAL:
        unshare_cluster(actor=alice, cluster_id=shared.pk, organization_id=guests.pk)
        return
    with pytest.raises(Conflict) as refused:
        unshare_cluster(actor=alice, cluster_id=shared.pk, organization_id=guests.pk)
    assert "1 deployments here" in refused.value.detail
    assert (refused.value.state, "pause" in refused.value.allowed) == ("ready", True)


def test_what_ended_stays_its_organizations_and_cannot_start_again_there(api, alice, gina, guests, shared):
    ended = theirs(shared, guests, Status.COMPLETED)
    unshare_cluster(actor=alice, cluster_id=shared.pk, organization_id=guests.pk)
    assert api(gina).get(f"/deployments/{ended.pk}").status_code == 200
    answer = api(gina).post(f"/deployments/{ended.pk}/start")
    assert answer.status_code == 409
    assert "another cluster" in answer.json()["detail"]


def test_an_organization_with_guests_at_work_on_its_clusters_is_not_deleted(api, alice, lab, guests, shared):
    theirs(shared, guests)
    answer = api(alice).delete(f"/organizations/{lab.pk}")
    assert answer.status_code == 409
    assert "other organizations" in answer.json()["detail"]
    assert api(alice).delete(f"/clusters/{shared.pk}").status_code == 409


def test_guests_are_not_told_who_declared_the_cluster_lost(alice, guests, shared):
    guest, own = theirs(shared, guests, Status.RUNNING), in_state(shared, Status.RUNNING)
    note_unreachable(cluster_id=guest.cluster_id, misses_allowed=1, problem="gone")
    declare_lost(actor=alice, cluster_id=shared.pk, confirm=shared.name)
    events = DeploymentEvent.objects.filter(kind="requeued_after_loss")
    told = {event.deployment_id: (event.actor, event.source) for event in events}
    assert told == {guest.pk: (None, "runtime"), own.pk: (alice, "user")}


@pytest.mark.parametrize("asked", ["if_not_present", "never", "always"])
@pytest.mark.parametrize("runtime", ["docker", "kubernetes", "simulated"])
def test_a_real_engine_that_was_ever_shared_asks_the_registry_for_each_image(
    asked, runtime, alice, lab, guests
):
    place = ClusterFactory(organization=lab, runtime=runtime)

    def pull_of(organization):
        one = DeploymentFactory(
            cluster=place, organization=organization, created_by=alice, image_pull_policy=asked, gpu=0
        )
        run_of_it = Run.objects.create(
            deployment=one, organization=organization, cluster=place, priority=2, booked_at=one.queued_at,
            spec={"docker_image": "busybox", "command": [], "args": [], "env": {}, "secret_env": "", "labels": {},
                  "working_dir": "", "ports": [], "image_pull_policy": asked, "grace_period_seconds": 1,
                  "simulated_seconds": None},
        )  # fmt: skip
        run_of_it.allocations.create(cluster=place, ram=1, cpu=1, gpu=0)
        return container_spec(run_of_it, cluster=place).pull

    assert pull_of(lab) == asked
    share_cluster(actor=alice, cluster_id=place.pk, organization_id=guests.pk)
    place.refresh_from_db()
    forced = asked if runtime == "simulated" else "always"
    assert (pull_of(lab), pull_of(guests)) == (forced, forced)
