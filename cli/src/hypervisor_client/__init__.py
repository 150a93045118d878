"""A client of MLOps Hypervisor: `Client.login(url, username, password).deployments.submit(…)`."""

from hypervisor_client.answers import (
    FINAL,
    STATUSES,
    Cluster,
    Deployment,
    Event,
    Explanation,
    Member,
    Organization,
    Plan,
    Run,
    StoryEvent,
    Submitted,
)
from hypervisor_client.client import Client
from hypervisor_client.errors import (
    Broken,
    Conflict,
    Forbidden,
    HypervisorError,
    Invalid,
    NotFound,
    NotSignedIn,
    Problem,
    TimedOut,
    Unavailable,
    Unreachable,
)
from hypervisor_client.specs import BatchSpec, Spec, Supposed
from hypervisor_client.tokens import MemoryStore, Tokens, TokenStore
from hypervisor_client.transport import Retries

__all__ = [
    "FINAL",
    "STATUSES",
    "BatchSpec",
    "Broken",
    "Client",
    "Cluster",
    "Conflict",
    "Deployment",
    "Event",
    "Explanation",
    "Forbidden",
    "HypervisorError",
    "Invalid",
    "Member",
    "MemoryStore",
    "NotFound",
    "NotSignedIn",
    "Organization",
    "Plan",
    "Problem",
    "Retries",
    "Run",
    "Spec",
    "StoryEvent",
    "Submitted",
    "Supposed",
    "TimedOut",
    "TokenStore",
    "Tokens",
    "Unavailable",
    "Unreachable",
]
