"""GPUs by number: which ones a run books, and that nobody else has them meanwhile."""

import pytest
from django.db import IntegrityError

from clusters.tests.factories import ClusterFactory
from deployments.models import Allocation, HeldDevice
from deployments.reconcile import End
from deployments.services.ends import record_ends
from deployments.tests.factories import DeploymentFactory
from deployments.tests.lives import book, live

GONE = {"handle": None, "exit_code": 0, "started_at": None, "own": True}


@pytest.fixture
def docker_cluster(lab):
    return ClusterFactory(organization=lab, runtime="docker", gpu=4)


def waiting(cluster, gpus):
    return DeploymentFactory(cluster=cluster, gpu=gpus)


def devices(deployment):
    return Allocation.objects.get(run=live(deployment)).device_ids


def ends(deployment):
    run = live(deployment)
    record_ends(cluster_id=deployment.cluster_id, ends=[End(run.pk, **GONE)])


def test_the_lowest_free_ones_are_booked_in_the_order_of_the_starts(docker_cluster):
    two, none, one = (waiting(docker_cluster, gpus) for gpus in (2, 0, 1))
    book(two, none, one)
    assert [devices(deployment) for deployment in (two, none, one)] == [[0, 1], [], [2]]


def test_what_an_ended_run_held_is_booked_again_by_the_next(docker_cluster):
    first, second, third = (waiting(docker_cluster, gpus) for gpus in (1, 2, 2))
    book(first, second)
    ends(first)
    book(third)
    assert (devices(second), devices(third)) == ([1, 2], [0, 3])
    assert Allocation.objects.get(run__deployment=first).device_ids == [0]


def test_each_cluster_counts_its_own(docker_cluster, lab):
    other = ClusterFactory(organization=lab, runtime="docker", gpu=1)
    here, there = waiting(docker_cluster, 1), waiting(other, 1)
    book(here, there)
    assert (devices(here), devices(there)) == ([0], [0])


def test_a_device_beyond_a_shrunken_total_stays_with_whoever_holds_it(docker_cluster):
    low, high = waiting(docker_cluster, 3), waiting(docker_cluster, 1)
    book(low, high)
    ends(low)
    docker_cluster.total_gpu = 2000
    docker_cluster.save(update_fields=["total_gpu"])
    next_one = waiting(docker_cluster, 1)
    book(next_one)
    assert (devices(high), devices(next_one)) == ([3], [0])


def test_a_simulated_gpu_has_no_number_and_may_be_shared(cluster):
    half = waiting(cluster, 0.5)
    book(half)
    assert devices(half) == []


def test_the_database_gives_a_device_to_one_allocation_alone(docker_cluster):
    holder = waiting(docker_cluster, 1)
    book(holder)
    allocation = Allocation.objects.get(run=live(holder))
    with pytest.raises(IntegrityError, match="device_held_once"):
        HeldDevice.objects.create(cluster=docker_cluster, device=0, allocation=allocation)
