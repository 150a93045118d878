"""The scrape: who may have it, and that its figures are the database's."""

from typing import Any

import pytest
from django.db import OperationalError, connection

from deployments.services.submit import submit_deployment
from organizations.services import delete_organization
from scheduling.services import run_cycle

pytestmark = pytest.mark.django_db


def scrape(client: Any, **headers: str) -> dict[str, float]:
    answer = client.get("/metrics", headers=headers)
    assert answer.status_code == 200, answer.content
    lines = [line for line in answer.content.decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def submit(cluster: Any, alice: Any, gpus: int, priority: int = 1) -> Any:
    return submit_deployment(
        actor=alice,
        organization_id=cluster.organization_id,
        cluster=cluster,
        name="train",
        docker_image="ubuntu",
        required_ram=1024,
        required_cpu=1000,
        required_gpu=gpus * 1000,
        priority=priority,
    )


def test_while_the_database_is_away_the_processes_own_counters_are_still_answered(client, cluster):
    def away(*_: Any) -> None:
        raise OperationalError("the connection is closed")

    with connection.execute_wrapper(away):
        client.get("/healthz")
        found = scrape(client)
    assert any(name.startswith("hypervisor_http_requests_total") for name in found)
    assert not any(name.startswith("hypervisor_cluster_capacity") for name in found)


def test_the_gauges_are_what_the_database_holds(client, cluster, alice):
    submit(cluster, alice, gpus=6)
    submit(cluster, alice, gpus=6, priority=2)
    before = scrape(client).get("hypervisor_scheduler_scheduled_total", 0)
    run_cycle(cluster_ids=[cluster.pk])
    found = scrape(client)
    key = f'cluster="{cluster.pk}"'
    assert found[f'hypervisor_cluster_capacity{{{key},kind="total",resource="gpu"}}'] == 8
    assert found[f'hypervisor_cluster_capacity{{{key},kind="allocated",resource="gpu"}}'] == 6
    assert found[f'hypervisor_deployments{{{key},priority="MEDIUM",status="starting"}}'] == 1
    assert found[f'hypervisor_deployments{{{key},priority="LOW",status="pending"}}'] == 1
    assert found[f'hypervisor_oldest_wait_seconds{{{key},priority="LOW"}}'] >= 0
    # Other tests' cycles count in the same Redis, so at least ours must have come on top.
    assert found["hypervisor_scheduler_scheduled_total"] >= before + 1


def test_requests_are_counted_by_route_and_not_by_id(client, api, alice, cluster):
    api(alice).get(f"/clusters/{cluster.pk}")
    series = 'hypervisor_http_requests_total{method="GET",route="/clusters/<int:cluster_id>",status="200"}'
    first = scrape(client)[series]
    api(alice).get(f"/clusters/{cluster.pk}/")
    assert scrape(client)[series] == first + 1


def test_no_name_leaves_with_the_figures(client, cluster, alice):
    submit(cluster, alice, gpus=1)
    body = client.get("/metrics").content.decode()
    assert cluster.name not in body
    assert "alice" not in body
    assert "train" not in body


def test_without_a_token_only_loopback_may_scrape(client):
    assert client.get("/metrics").status_code == 200
    refused = client.get("/metrics", REMOTE_ADDR="192.0.2.7")
    assert refused.status_code == 403
    assert "METRICS_TOKEN" in refused.json()["detail"]


def test_a_proxy_on_this_machine_is_not_taken_for_loopback(client):
    assert client.get("/metrics", headers={"X-Forwarded-For": "192.0.2.7"}).status_code == 403


def test_with_a_token_its_bearers_alone_may_scrape(client, settings):
    settings.METRICS_TOKEN = "let-me-in"
    assert client.get("/metrics").status_code == 403
    assert client.get("/metrics", headers={"Authorization": "Bearer guess"}).status_code == 403
    answer = client.get("/metrics", headers={"Authorization": "Bearer let-me-in"}, REMOTE_ADDR="192.0.2.7")
    assert answer.status_code == 200


def test_a_cluster_of_a_deleted_organization_is_not_scraped(client, cluster, lab, alice):
    delete_organization(actor=alice, organization=lab)
    assert f'cluster="{cluster.pk}"' not in client.get("/metrics").content.decode()
