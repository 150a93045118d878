"""Clusters in the console: the same services as the API's, in GB, cores and devices."""

import pytest
from django.contrib.messages import get_messages
from django.urls import reverse

from accounts.models import AuditEntry
from clusters.admin.capacity import AmountField, amount_in_words, bar
from clusters.amounts import Amount
from clusters.models import Cluster, ClusterEvent
from clusters.tests.factories import ClusterFactory

LIST = "admin:clusters_cluster_changelist"


def page(cluster):
    return reverse("admin:clusters_cluster_change", args=[cluster.pk])


def form(**changes):
    fields = {"name": "gpu-box", "total_gpu": "8", "total_cpu": "64", "total_ram": "256"}
    return fields | {"runtime": "simulated", "max_grace_period_seconds": "120"} | changes


def said(answer):
    return " ".join(map(str, get_messages(answer.wsgi_request)))


def test_a_form_speaks_in_gb_cores_and_devices(console, cluster):
    shown = console.get(page(cluster)).context["adminform"].form
    assert [shown[f"total_{name}"].value() for name in ("gpu", "cpu", "ram")] == [8, 64, 256]
    console.post(page(cluster), form(total_ram="512.5", total_cpu="96"))
    cluster.refresh_from_db()
    assert (cluster.total_ram, cluster.total_cpu, cluster.total_gpu) == (524_800, 96_000, 8000)


def test_an_unchanged_form_writes_nothing(console, cluster):
    console.post(page(cluster), form())
    assert not ClusterEvent.objects.exists()


def test_a_change_has_an_event_and_a_line_in_the_audit_log(console, cluster):
    console.post(page(cluster), form(paused="on"))
    assert ClusterEvent.objects.get().kind == "paused"
    assert AuditEntry.objects.get(action="cluster.paused").actor.username == "operator"


def test_a_refused_shrink_shows_the_figures_and_keeps_what_was_typed(console, cluster):
    Cluster.objects.filter(pk=cluster.pk).update(allocated_gpu=6000)
    answer = console.post(page(cluster), form(total_gpu="4", name="renamed"))
    assert answer.status_code == 200
    text = answer.content.decode()
    assert "6 GPUs are held" in text
    assert 'value="renamed"' in text
    cluster.refresh_from_db()
    assert (cluster.total_gpu, cluster.name) == (8000, "gpu-box")


def test_a_taken_name_is_refused_beside_the_field(console, cluster):
    ClusterFactory(organization=cluster.organization, name="second")
    answer = console.post(page(cluster), form(name="Second"))
    assert "Choose another name" in str(answer.context["adminform"].form.errors["name"])


@pytest.mark.parametrize("wrong", ["-1", "NaN", "Infinity", "1e400", "0.0001", "many", "", "99999999999"])
def test_an_amount_that_is_none_is_refused_beside_the_field(console, cluster, wrong):
    answer = console.post(page(cluster), form(total_ram=wrong))
    assert answer.status_code == 200
    assert "total_ram" in answer.context["adminform"].form.errors


def test_an_operator_adds_a_cluster(console, lab):
    answer = console.post(
        reverse("admin:clusters_cluster_add"), form(organization=lab.pk, name="new", total_gpu="0")
    )
    made = Cluster.objects.get(name="new")
    assert answer.url == reverse(LIST)
    assert (made.organization, made.total_gpu, made.total_ram) == (lab, 0, 262_144)
    assert AuditEntry.objects.filter(action="cluster.created", target=f"cluster:{made.pk}").exists()


def test_pausing_from_the_list_is_audited_for_each(console, lab):
    rows = [ClusterFactory(organization=lab), ClusterFactory(organization=lab)]
    chosen = {"action": "pause", "_selected_action": [row.pk for row in rows]}
    answer = console.post(reverse(LIST), chosen)
    assert "2 clusters paused" in said(answer)
    assert Cluster.objects.filter(paused=True).count() == 2
    assert AuditEntry.objects.filter(action="cluster.paused").count() == 2
    console.post(reverse(LIST), chosen | {"action": "resume"})
    assert not Cluster.objects.filter(paused=True).exists()


def test_a_button_asks_on_get_and_acts_on_post(console, cluster):
    button = reverse("admin:clusters_cluster_act", args=[cluster.pk, "pause"])
    assert "Pause 1 cluster?" in console.get(button).content.decode()
    assert not Cluster.objects.get(pk=cluster.pk).paused
    assert console.post(button).url == page(cluster)
    assert Cluster.objects.get(pk=cluster.pk).paused


def test_an_unknown_button_is_not_found(console, cluster):
    assert (
        console.post(reverse("admin:clusters_cluster_act", args=[cluster.pk, "explode"])).status_code == 404
    )
    assert console.post(reverse("admin:clusters_cluster_act", args=[0, "pause"])).status_code == 404


def test_deleting_asks_first(console, cluster):
    answer = console.get(reverse("admin:clusters_cluster_delete", args=[cluster.pk]))
    assert "Delete 1 cluster?" in answer.content.decode()
    assert Cluster.objects.get(pk=cluster.pk).deleted_at is None


def test_deleting_hides_and_then_nothing_may_be_done(console, cluster):
    console.post(reverse("admin:clusters_cluster_delete", args=[cluster.pk]), {"post": "yes"})
    assert Cluster.objects.get(pk=cluster.pk).deleted_at
    answer = console.post(reverse("admin:clusters_cluster_act", args=[cluster.pk, "pause"]))
    assert "It was deleted" in said(answer)
    assert not Cluster.objects.get(pk=cluster.pk).paused


def test_the_list_has_no_bulk_delete(console, cluster):
    page = console.get(reverse(LIST)).content.decode()
    assert "delete_selected" not in page


@pytest.mark.parametrize("state", ["ready", "paused", "overcommitted", "unreachable"])
def test_the_state_filter_agrees_with_the_state(console, lab, state):
    from django.utils import timezone

    ClusterFactory(organization=lab)
    ClusterFactory(organization=lab, paused=True)
    ClusterFactory(organization=lab, allocated_gpu=9000)
    ClusterFactory(organization=lab, paused=True, unreachable_since=timezone.now())
    rows = console.get(reverse(LIST), {"state": state}).context["cl"].result_list
    assert [row.state for row in rows] == [state]


def test_a_bar_tells_used_stopping_and_free():
    drawn = bar("gpu", total=8000, held=5000, stopping=2000)
    assert "5 of 8 GPUs, 2 stopping" in drawn
    assert 'title="3 used, 2 held by those stopping, 3 free"' in drawn
    assert 'width:37.5%"></b><u style="width:25.0%' in drawn


def test_a_cluster_that_shrank_has_a_full_bar_and_nothing_free():
    drawn = bar("ram", total=1024, held=4096, stopping=0)
    assert "4 of 1 GB" in drawn
    assert "0 free" in drawn
    assert "console-over" in drawn
    assert "width:100.0%" in drawn


def test_a_cluster_without_gpus_says_so():
    assert "no GPUs" in bar("gpu", total=0, held=0, stopping=0)


def test_amounts_are_told_without_what_is_not_asked_for():
    space = "\N{NO-BREAK SPACE}"
    assert amount_in_words(Amount(1000, 8500, 65_536)).replace(space, " ") == "1 GPU · 8.5 cores · 64 GB"
    assert amount_in_words(Amount(0, 1000, 0)).replace(space, " ") == "1 core"


def test_a_field_knows_an_unchanged_amount_that_is_not_whole():
    assert not AmountField("ram").has_changed(1025, "1.001")
