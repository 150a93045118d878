"""Many hands at a few clusters, in small: beside a database of its own, whose trigger would see the first excess."""

import subprocess
import sys

import pytest
from django.db import DatabaseError

from clusters.models import Cluster
from hypervisor.demo.contention.world import build, clusters_beyond_their_total


def test_operators_and_schedulers_at_once_never_exceed_a_cluster_and_the_books_agree():
    played = subprocess.run(
        [
            sys.executable, "-m", "hypervisor.embedded", "exec", "--", sys.executable, "-m",
            "hypervisor.demo.contention", "--operations", "90", "--schedulers", "2", "--organizations", "1",
        ],
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert played.returncode == 0, played.stdout + played.stderr
    assert "no capacity was ever exceeded" in played.stdout
    assert "operations 90 " in played.stdout


@pytest.mark.django_db
def test_the_database_itself_refuses_to_book_more_than_there_is():
    world = build(organizations=1, clusters=1)
    with pytest.raises(DatabaseError, match="would hold more than it has"):
        Cluster.objects.filter(pk__in=world.every_cluster).update(allocated_gpu=16_001)


@pytest.mark.django_db
def test_a_cluster_beyond_its_total_is_counted(cluster):
    assert clusters_beyond_their_total() == 0
    Cluster.objects.filter(pk=cluster.pk).update(allocated_gpu=cluster.total_gpu + 1)
    assert clusters_beyond_their_total() == 1
