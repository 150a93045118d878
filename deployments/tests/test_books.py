"""The question whether books and runs agree, and the command that asks it."""

from io import StringIO

import pytest
from django.core.management import call_command

from clusters.models import Cluster
from deployments.books import Difference, differences_between_books_and_runs
from deployments.models import Allocation
from deployments.tests.factories import DeploymentFactory
from deployments.tests.lives import run


@pytest.fixture
def busy(cluster) -> Cluster:
    run(*DeploymentFactory.create_batch(2, cluster=cluster, gpu=2))
    return cluster


def asked() -> tuple[str, int]:
    out = StringIO()
    try:
        call_command("check_books", stdout=out)
    except SystemExit as end:
        return out.getvalue(), int(end.code or 0)
    return out.getvalue(), 0


def test_books_that_balance_are_0_differences(busy):
    assert asked() == ("0 differences\n", 0)


def test_capacity_that_leaked_is_told_with_its_figures(busy):
    Cluster.objects.filter(pk=busy.pk).update(allocated_gpu=5000)
    assert differences_between_books_and_runs() == [Difference(busy.pk, "gpu", 5000, 4000, 4000)]
    text, code = asked()
    assert (code, "5000" in text, text.endswith("\n1 difference\n")) == (1, True, True)


def test_an_allocation_that_nobody_released_is_told(busy):
    Allocation.objects.filter(pk=Allocation.objects.first().pk).update(gpu=1000, cpu=0)
    assert [(row.resource, row.booked, row.allocations) for row in differences_between_books_and_runs()] == [
        ("cpu", 2000, 1000),
        ("gpu", 4000, 3000),
    ]
