"""Clusters and registry credentials for tests."""

import factory

from accounts import secrets
from clusters.amounts import from_wire
from clusters.models import Cluster, RegistryCredential
from organizations.tests.factories import OrganizationFactory

PULL_PASSWORD = "a-pull-password"


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


class CredentialFactory(factory.django.DjangoModelFactory):
    """A registry credential for registry.example.org, whose password is PULL_PASSWORD."""

    class Meta:
        model = RegistryCredential

    organization = factory.SubFactory(OrganizationFactory)
    name = factory.Sequence(lambda n: f"credential {n}")
    server = "registry.example.org"
    username = "puller"
    password = factory.LazyFunction(lambda: secrets.encrypt(PULL_PASSWORD))
