"""Engines in the console: connecting one, what its page tells, and the buttons."""

import json

import pytest
from django.contrib.messages import get_messages
from django.urls import reverse
from django.utils import timezone

from accounts import secrets
from clusters.models import Cluster
from clusters.tests.factories import ClusterFactory
from clusters.tests.fake_engine import SERVER, SOCKET

pytestmark = pytest.mark.django_db
ADD = "admin:clusters_cluster_add"


def form(lab, **fields):
    about = {"organization": lab.pk, "name": "box", "runtime": "docker", "max_grace_period_seconds": "120"}
    totals = {"total_gpu": "", "total_cpu": "", "total_ram": ""}
    return about | totals | {"new_connection": json.dumps(SOCKET)} | fields


def page(cluster):
    return reverse("admin:clusters_cluster_change", args=[cluster.pk])


def said(answer):
    return " ".join(map(str, get_messages(answer.wsgi_request)))


def errors(answer):
    return answer.context["adminform"].form.errors


def test_an_operator_connects_an_engine_and_sees_what_it_has(console, lab, fake_engine):
    answer = console.post(reverse(ADD), form(lab))
    made = Cluster.objects.get()
    assert answer.status_code == 302, errors(answer)
    assert (secrets.decrypt(made.connection), made.connected_by_staff) == (SOCKET, True)
    assert (made.total_gpu, made.total_cpu) == (4000, 14_400)
    shown = console.get(page(made)).content.decode()
    for text in ("99.1", "unix:///var/run/docker.sock", "answers", "operating system: Testix", "follow it"):
        assert text in shown


def test_an_engine_that_does_not_answer_is_told_and_the_cluster_is_there(console, lab, fake_engine):
    fake_engine.problem = "Nobody listens at that socket."
    answer = console.post(reverse(ADD), form(lab, total_gpu="2"))
    assert "Nobody listens" in said(answer)
    assert "Nobody listens" in console.get(page(Cluster.objects.get())).content.decode()


def test_a_wrong_connection_is_refused_beside_its_field_and_not_shown_back(console, lab):
    for wrong, said_so in (
        ("{", "no JSON"),
        ("[]", "JSON object"),
        ('{"endpoint": "ftp://secret-host"}', "endpoint: Write unix"),
        ("", "It is needed"),
    ):
        answer = console.post(reverse(ADD), form(lab, new_connection=wrong))
        assert answer.status_code == 200
        assert said_so in str(errors(answer)["new_connection"])
        assert "secret-host" not in answer.content.decode()
    assert not Cluster.objects.exists()


def test_a_simulated_cluster_hears_that_it_needs_its_totals(console, lab):
    answer = console.post(reverse(ADD), form(lab, runtime="simulated", new_connection=""))
    assert {"total_gpu", "total_cpu", "total_ram"} <= errors(answer).keys()


def test_a_connection_is_replaced_or_kept_and_never_shown(console, lab, fake_engine):
    console.post(reverse(ADD), form(lab, runtime="kubernetes", new_connection=json.dumps(SERVER)))
    made = Cluster.objects.get()
    assert "only-for-the-test" not in console.get(page(made)).content.decode()
    kept = made.connection
    unchanged = form(lab, new_connection="", total_gpu="4", total_cpu="14.4", total_ram="57.6")
    console.post(page(made), unchanged | {"name": "renamed"})
    made.refresh_from_db()
    assert (made.connection, made.name, sorted(made.sized_by_engine)) == (
        kept,
        "renamed",
        ["cpu", "gpu", "ram"],
    )
    other = SERVER | {"server": "https://other.example.com"}
    console.post(page(made), unchanged | {"name": "renamed", "new_connection": json.dumps(other)})
    made.refresh_from_db()
    assert secrets.decrypt(made.connection) == other
    assert made.events.first().kind == "connection_changed"


def test_check_now_says_what_it_found(console, lab, fake_engine):
    box = ClusterFactory(organization=lab, runtime="docker")
    answer = console.post(reverse("admin:clusters_cluster_act", args=[box.pk, "check"]))
    assert "99.1 with 4 GPUs" in said(answer).replace("\N{NO-BREAK SPACE}", " ")
    assert "short of what is booked" in said(answer)
    fake_engine.problem = "It is off."
    assert "does not answer. It is off." in said(
        console.post(reverse("admin:clusters_cluster_act", args=[box.pk, "check"]))
    )


def test_declaring_lost_is_offered_while_unreachable_and_asks_with_the_figures(console, cluster):
    button = reverse("admin:clusters_cluster_act", args=[cluster.pk, "declare-lost"])
    assert button not in console.get(page(cluster)).content.decode()
    assert "its engine answers" in said(console.post(button))
    Cluster.objects.filter(pk=cluster.pk).update(unreachable_since=timezone.now())
    assert button in console.get(page(cluster)).content.decode()
    asked = console.get(button).content.decode()
    assert "gpu-box: 0 runs end as lost" in asked
    assert Cluster.objects.get().declared_lost_at is None
    console.post(button)
    assert Cluster.objects.get().declared_lost_at
    assert "declared lost" in console.get(page(cluster)).content.decode()
    assert button not in console.get(page(cluster)).content.decode()
