"""The lists of events that a webhook can ask for hold all that is ever told, as the sources write them."""

import re
from pathlib import Path

from clusters.services.events import KINDS
from organizations.webhooks.kinds import known, names, unknown, wants

PROJECT = Path(__file__).resolve().parents[2]


def written(pattern, *folders):
    sources = [
        path for folder in folders for path in (PROJECT / folder).rglob("*.py") if "tests" not in path.parts
    ]
    return {found for path in sources for found in re.findall(pattern, path.read_text())}


def test_every_event_of_a_cluster_can_be_asked_for():
    assert written(r'record\(\s*cluster, "([a-z_]+)"', "clusters", "scheduling") <= KINDS
    changes = {"renamed", "capacity_changed", "paused", "resumed", "grace_changed"}
    assert changes <= KINDS


def test_every_event_of_a_deployment_can_be_asked_for():
    kinds = set(known["deployment"])
    assert written(r'record_events?\(\w+, "([a-z_]+)"', "deployments") <= kinds
    assert written(r'\btold\(run, "([a-z_]+)"', "deployments") <= kinds
    assert written(r'announce_all\(\s*"([a-z_]+)"', "deployments") <= kinds


def test_names_are_those_of_topics_and_of_their_kinds():
    assert {"cluster", "cluster.paused", "deployment", "deployment.failed"} <= set(names())
    assert unknown(["cluster", "cluster.nonsense", "test", "nonsense"]) == [
        "cluster.nonsense",
        "nonsense",
        "test",
    ]
    assert wants([], "cluster", "paused")
    assert wants(["cluster"], "cluster", "paused")
    assert not wants(["cluster.resumed", "deployment"], "cluster", "paused")
