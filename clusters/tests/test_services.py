"""What happens to clusters that are gone, or whose organization is."""

import pytest

from accounts.errors import NotFound
from clusters.services import change_cluster, create_cluster, delete_cluster
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
