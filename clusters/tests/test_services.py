"""What happens to clusters that are gone, whose organization is, or that ask for what cannot be."""

import pytest

from accounts.errors import InvalidInput, NotFound
from clusters.services import change_cluster, create_cluster, delete_cluster
from clusters.tests.fake_engine import ADDRESS, SERVER
from organizations.services import delete_organization

pytestmark = pytest.mark.django_db


def test_a_deleted_organization_gets_no_cluster(alice, lab):
    delete_organization(actor=alice, organization=lab)
    with pytest.raises(NotFound):
        create_cluster(
            actor=alice, organization_id=lab.pk, name="late", total_gpu=1, total_cpu=1, total_ram=1
        )


def test_what_was_deleted_is_neither_changed_nor_deleted_again(alice, cluster):
    delete_cluster(actor=alice, cluster_id=cluster.pk)
    with pytest.raises(NotFound):
        change_cluster(actor=alice, cluster_id=cluster.pk, changes={"paused": True})
    with pytest.raises(NotFound):
        delete_cluster(actor=alice, cluster_id=cluster.pk)
    assert list(cluster.events.values_list("kind", flat=True)) == ["deleted"]


@pytest.mark.parametrize(("runtime", "connection"), [("docker", ADDRESS), ("kubernetes", SERVER)])
def test_a_real_engine_has_whole_gpus(runtime, connection, alice, lab, settings):
    settings.CLUSTER_ENDPOINTS = ("gpu-box.example.com", "k8s.example.com")
    totals = {"total_cpu": 1000, "total_ram": 1024, "connection": connection}
    with pytest.raises(InvalidInput, match="such as 1"):
        create_cluster(
            actor=alice, organization_id=lab.pk, name="a", runtime=runtime, total_gpu=1500, **totals
        )
    made = create_cluster(
        actor=alice, organization_id=lab.pk, name="a", runtime=runtime, total_gpu=2000, **totals
    )
    with pytest.raises(InvalidInput, match="only on simulated clusters"):
        change_cluster(actor=alice, cluster_id=made.pk, changes={"total_gpu": 500})


def test_a_simulated_cluster_may_have_a_part_of_a_gpu(alice, cluster):
    assert change_cluster(actor=alice, cluster_id=cluster.pk, changes={"total_gpu": 500}).total_gpu == 500
