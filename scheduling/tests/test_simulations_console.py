"""Simulations in the console: asked for by an operator alone, carried out by a worker, shown with their pictures."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from accounts.errors import Conflict, Forbidden, InvalidInput
from accounts.models import AuditEntry
from accounts.tests.factories import UserFactory
from scheduling import simulating, simulation_services
from scheduling.models import Simulation, SimulationState
from scheduling.simulation_services import ask_simulation, carry_out, give_up
from scheduling.tests.test_simulation_history import ran, waited

ADD = "admin:scheduling_simulation_add"


def page(simulation):
    return reverse("admin:scheduling_simulation_change", args=[simulation.pk])


def asked(operator, cluster, texts=("two_phase",)):
    return ask_simulation(actor=operator, cluster_id=cluster.pk, days=7, texts=list(texts))


@pytest.fixture
def past(cluster):
    ran(waited(cluster, 10), 8, 5)
    ran(waited(cluster, 9, priority=3), 7, 6, gpu=8)


@pytest.mark.django_db(transaction=True)
def test_asking_in_the_console_works_it_out_and_shows_tables_and_pictures(console, cluster, operator, past):
    answer = console.post(
        reverse(ADD), {"cluster": cluster.pk, "days": 7, "policies": ["cluster:", "balanced"]}
    )
    simulation = Simulation.objects.get()
    assert (answer.status_code, answer.url) == (302, page(simulation))
    assert (simulation.asked_by, simulation.policies) == (operator, [f"cluster:{cluster.pk}", "balanced"])
    assert AuditEntry.objects.get(action="simulation.asked").actor == operator
    carry_out(simulation_id=simulation.pk)
    shown = console.get(page(simulation))
    text = shown.content.decode()
    assert "Refresh" not in shown
    assert text.count('<svg xmlns="http://www.w3.org/2000/svg" class="sim"') == 2
    assert "gpu-box, the last 7 days: 2 jobs" in text
    assert "goodput %" in text
    assert ">balanced<" in text


def test_an_open_one_shows_its_progress_and_looks_again(console, cluster, operator):
    simulation = asked(operator, cluster)
    Simulation.objects.update(state=SimulationState.RUNNING, progress=42)
    shown = console.get(page(simulation))
    assert shown["Refresh"] == "3"
    assert "42 % of the jobs ended" in shown.content.decode()


def test_a_past_without_jobs_fails_with_the_reason(console, cluster, operator):
    simulation = asked(operator, cluster)
    carry_out(simulation_id=simulation.pk)
    simulation.refresh_from_db()
    assert simulation.state == SimulationState.FAILED
    assert "nothing to replay" in console.get(page(simulation)).content.decode()


@pytest.mark.parametrize("who", ["alice", "staff"])
def test_only_operators_may_ask(request, cluster, who):
    user = UserFactory(is_staff=True) if who == "staff" else request.getfixturevalue(who)
    with pytest.raises(Forbidden):
        asked(user, cluster)
    assert not Simulation.objects.exists()


def test_the_pages_are_closed_to_staff_who_are_no_superusers(client, cluster, operator):
    simulation = asked(operator, cluster)
    client.force_login(UserFactory(is_staff=True), backend="django.contrib.auth.backends.ModelBackend")
    for address in (reverse(ADD), page(simulation)):
        answer = client.get(address)
        assert (answer.status_code, answer.url.startswith("/admin/login/")) == (302, True)


def test_a_second_one_waits_until_the_first_has_ended(console, cluster, operator):
    first = asked(operator, cluster)
    with pytest.raises(Conflict, match=f"simulation {first.pk}"):
        asked(operator, cluster)
    shown = console.post(reverse(ADD), {"cluster": cluster.pk, "days": 7, "policies": ["balanced"]})
    assert "Another one is at work" in shown.content.decode()
    with pytest.raises(IntegrityError), transaction.atomic():
        Simulation.objects.create(cluster=cluster, days=7, policies=[])
    give_up(actor=operator, simulation_id=first.pk)
    assert asked(operator, cluster).state == SimulationState.QUEUED


def test_one_whose_worker_fell_silent_is_given_up(cluster, operator):
    first = asked(operator, cluster)
    Simulation.objects.update(state=SimulationState.RUNNING, told_at=timezone.now() - timedelta(minutes=11))
    asked(operator, cluster)
    first.refresh_from_db()
    assert (first.state, first.error) == (SimulationState.FAILED, "Its worker fell silent. Ask again.")


def test_giving_up_stops_the_worker_at_its_next_word(cluster, operator, past, monkeypatch):
    simulation = asked(operator, cluster)

    def given_up_meanwhile(*args, progress, **options):
        give_up(actor=operator, simulation_id=simulation.pk)
        progress([0.5])
        pytest.fail("it went on")

    monkeypatch.setattr(simulating, "compare", given_up_meanwhile)
    carry_out(simulation_id=simulation.pk)
    simulation.refresh_from_db()
    assert (simulation.state, simulation.error) == ("failed", "Given up by operator.")


def test_a_task_that_comes_twice_does_nothing(cluster, operator, past):
    simulation = asked(operator, cluster)
    carry_out(simulation_id=simulation.pk)
    done = Simulation.objects.get(pk=simulation.pk)
    carry_out(simulation_id=simulation.pk)
    assert Simulation.objects.get(pk=simulation.pk).told_at == done.told_at
    assert done.progress == 100


@pytest.mark.parametrize("texts", [[], ["greedy"], ["two_phase"] * 9])
def test_policies_that_cannot_be_are_refused(cluster, operator, texts):
    with pytest.raises(InvalidInput):
        asked(operator, cluster, texts)


def test_a_word_of_progress_is_written_at_most_once_a_second(cluster, operator):
    simulation = asked(operator, cluster)
    Simulation.objects.update(state=SimulationState.RUNNING)
    tell = simulation_services._Teller(simulation.pk, 2)
    tell([0.5, 0.1])
    tell([1.0, 0.9])
    assert Simulation.objects.get().progress == 30
