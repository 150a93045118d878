"""Clusters for tests."""

import factory

from clusters.amounts import from_wire
from clusters.models import Cluster
from organizations.tests.factories import OrganizationFactory


class ClusterFactory(factory.django.DjangoModelFactory):
    """An empty cluster, its size in wire units: `ClusterFactory(gpu=8, cpu=64, ram=256)`."""

    class Meta:
        model = Cluster

    class Params:
        gpu = 8
        cpu = 64
        ram = 256

    organization = factory.SubFactory(OrganizationFactory)
    name = factory.Sequence(lambda n: f"cluster {n}")
    total_gpu = factory.LazyAttribute(lambda cluster: from_wire("gpu", cluster.gpu))
    total_cpu = factory.LazyAttribute(lambda cluster: from_wire("cpu", cluster.cpu))
    total_ram = factory.LazyAttribute(lambda cluster: from_wire("ram", cluster.ram))
