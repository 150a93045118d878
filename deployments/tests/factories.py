"""Deployments for tests."""

from datetime import timedelta

import factory
from django.utils import timezone

from clusters.amounts import from_wire
from clusters.tests.factories import ClusterFactory
from deployments.models import Deployment
from organizations.models import Role


class DeploymentFactory(factory.django.DjangoModelFactory):
    """A pending deployment of the cluster's organization, in wire units: `DeploymentFactory(cluster=cluster, gpu=2)`.

    Each waits since a second later than the one made before it, so the queue has the order of creation.
    """

    class Meta:
        model = Deployment

    class Params:
        gpu = 1
        cpu = 1
        ram = 1

    cluster = factory.SubFactory(ClusterFactory)
    organization = factory.SelfAttribute("cluster.organization")
    created_by = factory.LazyAttribute(
        lambda deployment: deployment.organization.memberships.filter(role=Role.OWNER).first().user
    )
    name = factory.Sequence(lambda n: f"deployment {n}")
    docker_image = "registry.example.org/team/train:1"
    required_gpu = factory.LazyAttribute(lambda deployment: from_wire("gpu", deployment.gpu))
    required_cpu = factory.LazyAttribute(lambda deployment: from_wire("cpu", deployment.cpu))
    required_ram = factory.LazyAttribute(lambda deployment: from_wire("ram", deployment.ram))
    queued_at = factory.Sequence(lambda n: timezone.now() - timedelta(days=1) + timedelta(seconds=n))
