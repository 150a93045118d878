"""docs/deployments.md tells of every field, and its example is good."""

import re
from pathlib import Path

import orjson
import pytest

from clusters.runtimes.kubernetes_labels import THEIR_DOMAINS, THEIR_NAMES
from clusters.tests.factories import ClusterFactory, CredentialFactory
from deployments.labels import RESERVED_PREFIXES
from deployments.serializers import DeploymentBody
from deployments.tests.factories import DeploymentFactory

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "deployments.md").read_text()
EXAMPLE = orjson.loads(re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)[0])


def test_each_field_has_its_row_and_each_row_its_field():
    rows = re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)
    assert sorted(rows) == sorted(DeploymentBody().fields)


def test_the_example_names_every_field_that_a_real_engine_takes():
    assert EXAMPLE.keys() == DeploymentBody().fields.keys() - {"organization_id", "simulated_seconds"}


@pytest.mark.parametrize("runtime", ["docker", "kubernetes"])
def test_the_example_is_accepted_on_real_engines(runtime, api, alice, lab):
    cluster = ClusterFactory(organization=lab, runtime=runtime)
    ids = {
        "cluster_id": cluster.pk,
        "dependency_ids": [DeploymentFactory(cluster=cluster).pk],
        "registry_credential_id": CredentialFactory(organization=lab, server="registry.example.com:5000").pk,
    }
    answer = api(alice).post("/deployments", EXAMPLE | ids)
    assert answer.status_code == 201, answer.content
    shown = answer.json()
    assert {name: shown[name] for name in EXAMPLE.keys() - {"priority", "secret_env"}} == {
        name: (EXAMPLE | ids)[name] for name in EXAMPLE.keys() - {"priority", "secret_env"}
    }


def test_what_is_reserved_is_told():
    for name in (*RESERVED_PREFIXES, *THEIR_DOMAINS, *THEIR_NAMES):
        assert f"`{name}`" in PAGE
