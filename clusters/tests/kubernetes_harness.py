"""Drivers of a Kubernetes test double, for the tests that every driver must pass and for its own."""

import uuid

from clusters.runtimes.base import Owner
from clusters.runtimes.endpoints import Endpoint, Reach, Scheme
from clusters.runtimes.http import EngineHTTP
from clusters.runtimes.kubernetes import KubernetesDriver

from .kubernetes_api import TOKEN, KubernetesAPI


def new_owner() -> Owner:
    """A cluster that no other test has."""
    return Owner(installation=uuid.uuid4().hex, cluster=uuid.uuid4().hex)


def driver_of(api: KubernetesAPI, owner: Owner, token: str = TOKEN) -> KubernetesDriver:
    """A driver that connects to the double anew."""
    endpoint = Endpoint(Scheme.HTTPS, host="127.0.0.1", port=api.port, ca=api.authority.pem)
    return KubernetesDriver(EngineHTTP(endpoint, Reach(trusted=True), bearer=token), owner)
