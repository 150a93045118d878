"""Deployments, what they wait for, the attempts to run them, and the story of each."""

from deployments.models.deployment import Dependency, Deployment, Priority, PullPolicy, RestartPolicy
from deployments.models.event import DeploymentEvent, Source
from deployments.models.run import Allocation, HeldDevice, Outcome, Run, StopCause, container_name_of
from deployments.models.submit_key import SubmitKey

__all__ = [
    "Allocation",
    "Dependency",
    "Deployment",
    "DeploymentEvent",
    "HeldDevice",
    "Outcome",
    "Priority",
    "PullPolicy",
    "RestartPolicy",
    "Run",
    "Source",
    "StopCause",
    "SubmitKey",
    "container_name_of",
]
