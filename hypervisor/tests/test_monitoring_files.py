"""The dashboard and the alerts ask only for what /metrics tells."""

import json
import re
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from deployments.models import Priority
from deployments.states import Status
from scheduling import heartbeat
from scheduling.services import run_cycle

pytestmark = pytest.mark.django_db
FOLDER = Path(__file__).resolve().parents[2] / "docs" / "monitoring"
ALERTS = [
    rule for group in yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"] for rule in group["rules"]
]
DASHBOARD = json.loads((FOLDER / "grafana-dashboard.json").read_text())
QUERIES = [target["expr"] for panel in DASHBOARD["panels"] for target in panel.get("targets", ())]
ASKED = [*(rule["expr"] for rule in ALERTS), *QUERIES]
SELECTOR = re.compile(r"(hypervisor_\w+)(?:\{([^}]*)\})?")
LABEL = re.compile(r'(\w+)\s*(=~|=)\s*"([^"]*)"')
PART = re.compile(r"_(bucket|count|sum)$")
GROUPED = re.compile(r"\b(?:by|on|ignoring) \(([^)]*)\)")


@pytest.fixture
def told(client, cluster):
    """Each series that a scrape has → the labels that it has there."""
    from deployments.tests.factories import DeploymentFactory

    heartbeat.beat()
    run_cycle(cluster_ids=[cluster.pk])
    DeploymentFactory(cluster=cluster)
    client.get("/healthz")
    found: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(client.get("/metrics").content.decode()):
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


def test_each_metric_and_label_that_is_asked_for_is_told(told):
    assert len(ALERTS) >= 10
    assert len(QUERIES) >= 20
    for expression in ASKED:
        for name, selector in SELECTOR.findall(expression):
            assert name in told, f"/metrics tells no {name}: {expression}"
            for label, _, _ in LABEL.findall(selector):
                assert label in told[name], f"{name} has no label {label}: {expression}"


def test_what_is_grouped_by_is_a_label_of_what_is_asked_for(told):
    for expression in ASKED:
        known = set().union(*(told[name] for name, _ in SELECTOR.findall(expression)), {"instance"})
        for names in GROUPED.findall(expression):
            assert {name.strip() for name in names.split(",")} <= known, expression


def test_each_value_of_a_label_is_one_that_exists():
    known = {
        "status": {state.value for state in Status},
        "priority": set(Priority.labels),
        "kind": {"total", "allocated"},
        "resource": {"gpu", "cpu", "ram"},
    }
    for expression in ASKED:
        for label, sign, value in LABEL.findall(expression):
            if sign == "=" and label in known:
                assert value in known[label], expression


def test_each_metric_of_the_service_is_on_the_dashboard(told):
    shown = {name for expression in QUERIES for name, _ in SELECTOR.findall(expression)}
    ours = {name for name in told if name.startswith("hypervisor_") and not name.endswith("_created")}
    assert {PART.sub("", name) for name in ours} == {PART.sub("", name) for name in shown}


def test_each_alert_says_what_it_means_and_is_on_the_page():
    page = (FOLDER.parent / "monitoring.md").read_text()
    assert re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE) == [rule["alert"] for rule in ALERTS]
    for rule in ALERTS:
        assert rule["labels"]["severity"] in {"critical", "warning"}
        assert rule["annotations"]["summary"].endswith((".", "?"))


def test_no_two_panels_lie_on_each_other():
    taken = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells
