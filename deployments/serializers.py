"""The shapes of the deployments' calls."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from accounts.wire import Body, Choice, Id, Text, Whole
from clusters.runtimes.kubernetes_labels import THEIR_DOMAINS
from clusters.serializers import AmountField
from deployments.examples import DETAILED, SHOWN
from deployments.fields import (
    ENV_NAME,
    LONGEST_SECONDS,
    MOST_ENTRIES,
    Image,
    Pairs,
    PriorityField,
    Seconds,
    Words,
)
from deployments.labels import RESERVED_PREFIXES
from deployments.models import PullPolicy, RestartPolicy
from deployments.states import Status
from deployments.verdicts import RETRIES_ON_FAILURE


@extend_schema_serializer(examples=[OpenApiExample("a job that waits", SHOWN, response_only=True)])
class DeploymentAnswer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    docker_image = serializers.CharField()
    status = serializers.ChoiceField(choices=Status.choices)
    reason = serializers.CharField(allow_null=True, help_text="Why it waits or failed; from a closed list.")
    priority = serializers.IntegerField(help_text="1 LOW, 2 MEDIUM, 3 HIGH")
    cluster_id = serializers.IntegerField()
    organization_id = serializers.IntegerField()
    created_by = serializers.CharField(allow_null=True)
    required_ram = serializers.FloatField(help_text="GB")
    required_cpu = serializers.FloatField(help_text="cores")
    required_gpu = serializers.FloatField(help_text="devices")
    dependency_ids = serializers.ListField(child=serializers.IntegerField())
    command = serializers.ListField(child=serializers.CharField())
    args = serializers.ListField(child=serializers.CharField())
    env = serializers.DictField(help_text="Viewers see the names, not the values.")
    secret_env_names = serializers.ListField(child=serializers.CharField())
    working_dir = serializers.CharField()
    registry_credential_id = serializers.IntegerField(allow_null=True)
    image_pull_policy = serializers.ChoiceField(choices=PullPolicy.choices)
    restart_policy = serializers.ChoiceField(choices=RestartPolicy.choices)
    max_retries = serializers.IntegerField()
    time_limit_seconds = serializers.IntegerField(allow_null=True)
    grace_period_seconds = serializers.IntegerField()
    expected_seconds = serializers.IntegerField(allow_null=True)
    checkpoint_interval_seconds = serializers.IntegerField(allow_null=True)
    simulated_seconds = serializers.FloatField(allow_null=True)
    labels = serializers.DictField()
    ports = serializers.ListField(child=serializers.IntegerField())
    preemption_count = serializers.IntegerField()
    retries_used = serializers.IntegerField()
    exit_code = serializers.IntegerField(allow_null=True)
    created_at = serializers.DateTimeField()
    queued_at = serializers.DateTimeField()
    retry_at = serializers.DateTimeField(
        allow_null=True, help_text="waiting_for_retry: it may start from then on."
    )
    started_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)


class Lacking(serializers.Serializer[Any]):
    ram = serializers.FloatField(help_text="GB")
    cpu = serializers.FloatField(help_text="cores")
    gpu = serializers.FloatField(help_text="devices")


class WaitingReason(serializers.Serializer[Any]):
    reason = serializers.CharField(help_text="From the closed list that `reason` is from.")
    deficits = Lacking(help_text="What it needs beyond what is free and not promised; 0 where nothing lacks.")


@extend_schema_serializer(examples=[OpenApiExample("a job that waits", DETAILED, response_only=True)])
class DeploymentDetail(DeploymentAnswer):
    """One deployment, and why it waits just now."""

    reasons = WaitingReason(
        many=True, help_text="All that keeps it from starting now; none if it is not pending."
    )
    queue_position = serializers.IntegerField(
        allow_null=True, help_text="In its cluster's queue, from 1. Null: not pending."
    )


class DeploymentBody(Body):
    answer = DeploymentDetail

    name = Text(max_length=200)
    docker_image = Image(
        max_length=512,
        help_text="[HOST[:PORT]/]NAME[:TAG][@DIGEST]; from a registry that this installation allows.",
    )
    cluster_id = Id()
    organization_id = Id(
        required=False,
        allow_null=True,
        help_text="Whose it is. Default: the cluster's own organization, if you are a member of it; else your only one "
        "that the cluster is shared with.",
    )
    required_ram = AmountField("ram", help_text="GB; on a real engine at least 0.006.")
    required_cpu = AmountField("cpu", help_text="cores; on a real engine at least 0.01.")
    required_gpu = AmountField(
        "gpu", required=False, help_text="devices; fractions on simulated clusters only. Default 0."
    )
    priority = PriorityField(required=False)
    dependency_ids = serializers.ListField(
        child=Id(),
        required=False,
        max_length=MOST_ENTRIES,
        help_text="Of the same organization; it waits until all of them are completed.",
    )
    command = Words(required=False, help_text="Replaces the image's ENTRYPOINT; none: the image's own.")
    args = Words(required=False, help_text="Replaces the image's CMD; none: the image's own.")
    env = Pairs(ENV_NAME, required=False, help_text="Environment variables. Viewers see the names alone.")
    secret_env = Pairs(
        ENV_NAME,
        required=False,
        write_only=True,
        help_text="Environment variables that are encrypted at once; only their names are ever shown. They win over "
        "env. A change replaces all of them.",
    )
    working_dir = Text(
        required=False, allow_blank=True, max_length=1024, help_text="Empty: the image's own folder."
    )
    registry_credential_id = Id(
        required=False,
        allow_null=True,
        help_text="One of the organization's registry credentials, for the host that the image comes from. "
        "Null: pulled without signing in.",
    )
    image_pull_policy = Choice(
        choices=PullPolicy.choices, required=False, help_text="When the image is fetched before a start."
    )
    restart_policy = Choice(
        choices=RestartPolicy.choices,
        required=False,
        help_text="never, on_failure (after an exit code other than 0) or always (after any end of its own).",
    )
    max_retries = Whole(
        required=False,
        min_value=0,
        max_value=1000,
        help_text="How often it starts again after a failure, where restart_policy says so. Default: "
        f"{RETRIES_ON_FAILURE} if it is submitted with on_failure, else 0.",
    )
    time_limit_seconds = Whole(
        required=False,
        allow_null=True,
        min_value=1,
        max_value=LONGEST_SECONDS,
        help_text="A run that takes longer is stopped, and the deployment fails. Null: no limit.",
    )
    grace_period_seconds = Whole(
        required=False,
        min_value=0,
        max_value=86_400,
        help_text="From the signal to end until it is killed; at most the cluster's max_grace_period_seconds. "
        "Default 30.",
    )
    expected_seconds = Whole(
        required=False,
        allow_null=True,
        min_value=1,
        max_value=LONGEST_SECONDS,
        help_text="How long you think it runs. Policies that look at it take it for true; without it, how long the "
        "last completed runs with the same image took. It ends nothing: that is time_limit_seconds.",
    )
    checkpoint_interval_seconds = Whole(
        required=False,
        allow_null=True,
        min_value=1,
        max_value=LONGEST_SECONDS,
        help_text="Seconds, counted from each start, after which it saves its work by itself again and again. A policy "
        "that spares work takes what is older than the last one for saved. Null: only what is reported with "
        "POST …/checkpoint.",
    )
    simulated_seconds = Seconds(
        required=False,
        allow_null=True,
        help_text="On a simulated cluster only: how long it runs. Null: until stopped.",
    )
    labels = Pairs(
        required=False,
        help_text=f"Put on the container. Names that begin with {', '.join(RESERVED_PREFIXES)} and those of the "
        f"domains {', '.join(THEIR_DOMAINS)} are not yours to give.",
    )
    ports = serializers.ListField(
        child=Whole(min_value=1, max_value=65_535),
        required=False,
        max_length=100,
        help_text="That the container listens on: reachable inside the organization's own network on the engine, "
        "and not published on the machine.",
    )


class RunAnswer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    cluster_id = serializers.IntegerField()
    priority = serializers.IntegerField()
    booked_at = serializers.DateTimeField()
    running_at = serializers.DateTimeField(allow_null=True)
    checkpointed_at = serializers.DateTimeField(
        allow_null=True, help_text="The latest moment that POST …/checkpoint reported."
    )
    ended_at = serializers.DateTimeField(allow_null=True)
    outcome = serializers.CharField(allow_null=True)
    exit_code = serializers.IntegerField(allow_null=True)
    failure = serializers.CharField(
        allow_null=True, help_text="Why it ended badly, or does not run yet; from a closed list."
    )
    stop_cause = serializers.CharField(allow_null=True)
    preempted_by_id = serializers.IntegerField(
        allow_null=True, help_text="Null where it is another tenant's."
    )
    detail = serializers.CharField()
    device_ids = serializers.ListField(
        child=serializers.IntegerField(), help_text="The GPUs that it held, by the engine's numbers."
    )
    held_ram = serializers.FloatField()
    held_cpu = serializers.FloatField()
    held_gpu = serializers.FloatField()


class EventAnswer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    at = serializers.DateTimeField()
    kind = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment]
    actor = serializers.CharField(allow_null=True)
    run_id = serializers.IntegerField(allow_null=True)
    data = serializers.DictField()  # type: ignore[assignment]
