"""`manage.py add_local_cluster`."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from clusters.models import Cluster
from clusters.tests.fake_engine import SOCKET
from organizations.models import Organization

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_docker_host(monkeypatch):
    monkeypatch.delenv("DOCKER_HOST", raising=False)


def added(*args):
    out = StringIO()
    call_command("add_local_cluster", *args, stdout=out)
    return out.getvalue()


def test_the_engine_of_this_machine_becomes_a_cluster_of_the_first_superusers(operator, fake_engine):
    assert "Added cluster 'local' (14.4 cores, 57.6 GB, 4 GPUs) to local" in added()
    made = Cluster.objects.get()
    assert (made.runtime, made.connected_by_staff, made.engine_facts["endpoint"]) == (
        "docker", True, SOCKET["endpoint"],
    )  # fmt: skip
    assert Organization.objects.get().memberships.get().user == operator


def test_it_may_be_run_again(operator, fake_engine):
    added()
    assert "there already" in added()
    assert Cluster.objects.count() == 1


def test_it_takes_names_and_an_endpoint_and_heeds_docker_host(operator, lab, fake_engine, monkeypatch):
    added("--organization", "lab", "--name", "box", "--endpoint", "unix:///run/user/1000/docker.sock")
    assert Cluster.objects.get(name="box").organization == lab
    monkeypatch.setenv("DOCKER_HOST", "unix:///tmp/other.sock")
    assert "to local" in added()
    assert Cluster.objects.get(name="local").engine_facts["endpoint"] == "unix:///tmp/other.sock"


def test_what_is_missing_is_said(operator, fake_engine):
    with pytest.raises(CommandError, match="no socket of this machine"):
        added("--endpoint", "tcp://elsewhere:2376")
    fake_engine.problem = "Nobody listens."
    with pytest.raises(CommandError, match=r"No Docker engine answers.*Nobody listens"):
        added()
    fake_engine.problem = ""
    operator.is_superuser = False
    operator.save()
    with pytest.raises(CommandError, match="createsuperuser"):
        added()
    assert not Cluster.objects.exists()
