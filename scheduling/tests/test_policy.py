"""The policy of a cluster: what it starts from, what overrides it, and who may change it."""

import dataclasses

import pytest
from django.db import IntegrityError, transaction

from accounts.errors import InvalidInput, NotFound
from accounts.models import AuditEntry
from accounts.tests.factories import UserFactory
from clusters.models import ClusterEvent
from clusters.services import delete_cluster
from clusters.sharing.services import share_cluster
from clusters.signals import capacity_changed
from clusters.tests.factories import ClusterFactory
from organizations.tests.factories import MembershipFactory, OrganizationFactory
from scheduling.core.policy import PRESETS, TWO_PHASE, Policy, VictimOrder
from scheduling.models import ClusterPolicy, Cycle
from scheduling.policies import effective
from scheduling.policy_serializers import field_of
from scheduling.policy_services import set_policy
from scheduling.policy_settings import COLUMNS, SETTINGS, as_shown
from scheduling.tests.cycles import cycle, submit


def policy_of(api, who, cluster, status=200):
    answer = api(who).get(f"/clusters/{cluster.pk}/policy")
    assert answer.status_code == status, answer.content
    return answer.json()


def patch(api, who, cluster, status=200, **body):
    answer = api(who).patch(f"/clusters/{cluster.pk}/policy", body)
    assert answer.status_code == status, answer.content
    return answer.json()


def test_each_field_of_a_policy_is_one_setting():
    assert {setting.name for setting in SETTINGS} == {field.name for field in dataclasses.fields(Policy)} - {
        "name"
    }


@pytest.mark.parametrize("setting", COLUMNS, ids=lambda setting: setting.name)
def test_each_setting_has_a_column_a_field_and_its_explanation(setting):
    assert ClusterPolicy._meta.get_field(setting.name).null
    assert field_of(setting)
    assert "Null:" in setting.told


@pytest.mark.parametrize("name", PRESETS)
def test_a_presets_values_survive_being_stored_as_overrides(name, cluster):
    shown = as_shown(PRESETS[name])
    row = ClusterPolicy.objects.create(cluster=cluster, preset=name, **shown)
    row.refresh_from_db()
    assert effective(row) == PRESETS[name]


def test_a_cluster_without_one_follows_the_default(api, alice, cluster, settings):
    assert policy_of(api, alice, cluster)["name"] == "two_phase"
    settings.SCHEDULER_POLICY = "least_waste"
    shown = policy_of(api, alice, cluster)
    assert (shown["name"], shown["preset"]) == ("least_waste", None)
    assert shown["effective"]["victim_order"] == "least_lost_work"


def test_an_override_holds_until_null_takes_it_back(api, alice, cluster):
    changed = patch(api, alice, cluster, preset="balanced", most_evictions=3, shortest_first=False)
    assert (changed["name"], changed["most_evictions"]) == ("balanced*", 3)
    assert (changed["effective"]["most_evictions"], changed["effective"]["shortest_first"]) == (3, False)
    back = patch(api, alice, cluster, most_evictions=None, shortest_first=None)
    assert (back["name"], back["preset"], back["most_evictions"]) == ("balanced", "balanced", None)
    assert back["effective"] == as_shown(PRESETS["balanced"]) | {"user_weights": {}}
    assert patch(api, alice, cluster, preset=None)["name"] == "two_phase"


def test_put_leaves_alone_what_it_does_not_name(api, alice, cluster):
    patch(api, alice, cluster, preset="balanced", most_evictions=3)
    answer = api(alice).put(f"/clusters/{cluster.pk}/policy", {"ageing_seconds": 60})
    assert (answer.json()["preset"], answer.json()["most_evictions"]) == ("balanced", 3)


def test_an_override_of_the_presets_own_value_is_no_other_policy(cluster):
    row = ClusterPolicy(cluster=cluster, minimum_run_seconds=0)
    assert effective(row) is not None
    assert effective(row).name == "two_phase"


def test_who_may_preempt_is_told_by_name_and_only_lower_ones(api, alice, cluster):
    changed = patch(api, alice, cluster, may_preempt={"MEDIUM": ["LOW"], "HIGH": ["LOW", "LOW"]})
    assert changed["may_preempt"] == {"HIGH": ["LOW"], "MEDIUM": ["LOW"]}
    row = ClusterPolicy.objects.get()
    assert effective(row).may_preempt == {3: frozenset({1}), 2: frozenset({1})}
    refused = patch(api, alice, cluster, 400, may_preempt={"MEDIUM": ["HIGH"]})
    assert refused["errors"][0]["detail"] == "MEDIUM cannot preempt 'HIGH'. It may preempt LOW."


def test_with_nobody_to_preempt_a_high_one_waits(api, alice, cluster):
    patch(api, alice, cluster, may_preempt={})
    low = submit(cluster, 8, 1)
    cycle(cluster)
    high = submit(cluster, 8, 3)
    cycle(cluster)
    low.refresh_from_db()
    high.refresh_from_db()
    assert (low.status, high.status, high.seat_granted_at) == ("starting", "pending", None)


def test_what_was_read_may_be_sent_back(api, alice, cluster):
    patch(api, alice, cluster, preset="balanced", user_weights={str(alice.pk): 2})
    shown = policy_of(api, alice, cluster)
    assert patch(api, alice, cluster, **shown) == shown
    assert ClusterEvent.objects.filter(kind="policy_changed").count() == 1


def test_only_members_can_be_weighed_and_one_who_left_may_stay(api, alice, bob, charlie, lab, cluster):
    refused = patch(api, alice, cluster, 400, user_weights={str(charlie.pk): 2})
    assert refused["errors"][0]["field"] == "user_weights"
    patch(api, alice, cluster, user_weights={str(bob.pk): 2})
    lab.memberships.filter(user=bob).delete()
    changed = patch(api, alice, cluster, user_weights={str(bob.pk): 2, str(alice.pk): 3})
    assert changed["effective"]["user_weights"] == {str(alice.pk): 3, str(bob.pk): 2}
    assert (changed["name"], patch(api, alice, cluster, user_weights={})["name"]) == (
        "two_phase*",
        "two_phase",
    )


def test_members_read_it_and_only_those_who_manage_clusters_change_it(api, alice, bob, charlie, lab, cluster):
    viewer = MembershipFactory(organization=lab, role="viewer").user
    assert policy_of(api, viewer, cluster) == policy_of(api, bob, cluster)
    policy_of(api, charlie, cluster, 404)
    assert "Ask one of its" in patch(api, bob, cluster, 403, preset="balanced")["detail"]


def test_a_change_is_told_with_old_and_new_value_and_hints_the_scheduler(alice, cluster):
    hinted = []

    def hear(cluster_ids, **_):
        hinted.append(cluster_ids)

    capacity_changed.connect(hear)
    set_policy(actor=alice, cluster_id=cluster.pk, changes={"most_evictions": 3})
    set_policy(actor=alice, cluster_id=cluster.pk, changes={"most_evictions": 4})
    set_policy(actor=alice, cluster_id=cluster.pk, changes={"most_evictions": 4})
    capacity_changed.disconnect(hear)
    newest, first = ClusterEvent.objects.filter(cluster=cluster, kind="policy_changed")
    assert newest.data == {"old": {"most_evictions": 3}, "new": {"most_evictions": 4}}
    assert first.data == {"old": {"most_evictions": None}, "new": {"most_evictions": 3}}
    assert newest.actor == alice
    entry = AuditEntry.objects.filter(action="cluster.policy_changed", target=f"cluster:{cluster.pk}").first()
    assert (entry.actor, entry.detail) == (alice, newest.data)
    assert hinted == [(cluster.pk,), (cluster.pk,)]


def test_the_policy_of_a_cluster_that_was_deleted_meanwhile_is_not_there(alice, cluster):
    delete_cluster(actor=alice, cluster_id=cluster.pk)
    with pytest.raises(NotFound):
        set_policy(actor=alice, cluster_id=cluster.pk, changes={"preset": "balanced"})


def test_the_service_refuses_what_a_form_lets_through(alice, cluster):
    for changes in ({"may_preempt": ["HIGH"]}, {"user_weights": {"1": 0}}, {"user_weights": [1]}):
        with pytest.raises(InvalidInput):
            set_policy(actor=alice, cluster_id=cluster.pk, changes=changes)
    assert not ClusterPolicy.objects.exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"preset": "fair"},
        {"victim_order": "newest"},
        {"ageing_seconds": 0},
        {"most_evictions": 2_000_000},
        {"may_preempt": {"LOW": ["HIGH"]}},
        {"may_preempt": {"HIGH": ["HIGH"]}},
        {"may_preempt": []},
        {"user_weights": {"1": 0}},
        {"user_weights": {"1": "2"}},
    ],
    ids=str,
)
def test_the_database_itself_refuses_what_no_policy_has(wrong, cluster):
    with pytest.raises(IntegrityError), transaction.atomic():
        ClusterPolicy.objects.create(cluster=cluster, **wrong)


def test_a_cycle_tells_the_policy_that_it_followed(api, alice, cluster):
    submit(cluster, 1)
    cycle(cluster)
    patch(api, alice, cluster, victim_order="youngest")
    submit(cluster, 1)
    cycle(cluster)
    assert list(Cycle.objects.values_list("policy", flat=True)) == ["two_phase*", "two_phase"]


def test_clusters_of_one_batch_follow_each_their_own(alice, lab):
    from django.utils import timezone

    from scheduling.snapshot import load

    one, other = ClusterFactory(organization=lab), ClusterFactory(organization=lab, gpu=0)
    set_policy(actor=alice, cluster_id=other.pk, changes={"victim_order": "youngest"})
    first, second = load([one, other], timezone.now()).clusters
    assert first.policy == TWO_PHASE
    assert (second.policy.name, second.policy.victim_order) == ("two_phase*", VictimOrder.YOUNGEST)
    assert (first.work_resource, second.work_resource) == (0, 1)


def test_guests_of_the_cluster_read_it_without_the_users_whom_it_weighs(api, alice, bob, cluster):
    gina = UserFactory()
    guests = OrganizationFactory(owner=gina)
    share_cluster(actor=alice, cluster_id=cluster.pk, organization_id=guests.pk)
    mine = patch(api, alice, cluster, preset="balanced", user_weights={str(bob.pk): 2})
    theirs = policy_of(api, gina, cluster)
    assert theirs == mine | {"user_weights": None, "effective": mine["effective"] | {"user_weights": {}}}
    assert patch(api, gina, cluster, 403, preset="balanced")["detail"]
    refused = patch(api, alice, cluster, 400, user_weights={str(gina.pk): 2})
    assert refused["errors"][0]["field"] == "user_weights"


def test_the_console_shows_the_policy_and_changes_it_by_the_same_service(console, operator, cluster):
    assert b"Policy: two_phase" in console.get(f"/admin/clusters/cluster/{cluster.pk}/change/").content
    address = "/admin/scheduling/clusterpolicy/"
    asked = {
        "cluster": cluster.pk,
        "preset": "balanced",
        "may_preempt": '{"HIGH": ["LOW"]}',
        "most_evictions": 3,
    }
    wrong = console.post(f"{address}add/", asked | {"may_preempt": '{"LOW": ["HIGH"]}'})
    assert (wrong.status_code, ClusterPolicy.objects.count()) == (200, 0)
    assert "LOW cannot preempt" in wrong.content.decode()
    assert console.post(f"{address}add/", asked).status_code == 302
    row = ClusterPolicy.objects.get()
    assert (effective(row).name, row.may_preempt, row.most_evictions) == ("balanced*", {"HIGH": ["LOW"]}, 3)
    event = ClusterEvent.objects.get(kind="policy_changed")
    assert event.actor == operator
    page = console.get(f"{address}{row.pk}/change/").content.decode()
    assert "A run is not preempted before it has run so many seconds" in page
    assert console.post(f"{address}{row.pk}/change/", {"ageing_seconds": 0}).status_code == 200
    assert console.post(f"{address}{row.pk}/change/", {"preset": "", "ageing_seconds": ""}).status_code == 302
    row.refresh_from_db()
    assert effective(row) == TWO_PHASE
    assert console.post(f"{address}{row.pk}/delete/", {"post": "yes"}).status_code == 403
