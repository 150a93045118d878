"""The shapes of the deployments' calls."""

import math
import re
from typing import Any

from rest_framework import serializers

from accounts.wire import Body, Id, Text, Whole
from clusters.serializers import AmountField
from deployments.images import is_reference
from deployments.models import Priority, PullPolicy, RestartPolicy
from deployments.states import Status

NAMES = {choice.label: choice.value for choice in Priority}
ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
MOST_ENTRIES = 1000
LONGEST_VALUE = 32_768
LONGEST_SECONDS = 10 * 365 * 86_400


class PriorityField(serializers.Field[Any, Any, Any, Any]):
    """1, 2, 3 or LOW, MEDIUM, HIGH in any case."""

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, str) and data.upper() in NAMES:
            return NAMES[data.upper()]
        if isinstance(data, bool) or not isinstance(data, int | float) or data not in Priority.values:
            raise serializers.ValidationError("Write 1 (LOW), 2 (MEDIUM) or 3 (HIGH).")
        return int(data)

    def to_representation(self, value: Any) -> int:
        return int(value)


class Image(Text):
    """A Docker image reference."""

    def to_internal_value(self, data: Any) -> str:
        image = super().to_internal_value(data)
        if not is_reference(image):
            raise serializers.ValidationError(
                "This is not an image reference. Write [HOST[:PORT]/]NAME[:TAG][@DIGEST], such as ubuntu:24.04."
            )
        return image


class Words(serializers.ListField):
    """A list of strings."""

    def __init__(self, **options: Any) -> None:
        options["child"] = Text(allow_blank=True, trim_whitespace=False, max_length=LONGEST_VALUE)
        super().__init__(max_length=MOST_ENTRIES, **options)


class Pairs(serializers.DictField):
    """An object of names with text values; `pattern` is what a name must match."""

    def __init__(self, pattern: re.Pattern[str] | None = None, **options: Any) -> None:
        self.pattern = pattern
        options["child"] = Text(allow_blank=True, trim_whitespace=False, max_length=LONGEST_VALUE)
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> dict[str, str]:
        pairs: dict[str, str] = super().to_internal_value(data)
        if len(pairs) > MOST_ENTRIES:
            raise serializers.ValidationError(f"At most {MOST_ENTRIES} entries.")
        for name in pairs:
            if (
                not name
                or len(name) > 253
                or "\0" in name
                or (self.pattern and not self.pattern.fullmatch(name))
            ):
                raise serializers.ValidationError({name[:100]: ["This is not a usable name."]})
        return pairs


class Seconds(serializers.FloatField):
    """A finite JSON number of seconds."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"min_value": 0, "max_value": LONGEST_SECONDS} | options)

    def to_internal_value(self, data: Any) -> float:
        if isinstance(data, bool | str) or not isinstance(data, int | float) or not math.isfinite(data):
            self.fail("invalid")
        return float(data)


class RegistryCredentialId(Id):
    """By reference. Simulated clusters pull no image, so there is none to refer to yet."""

    def to_internal_value(self, data: Any) -> int:
        super().to_internal_value(data)
        raise serializers.ValidationError(
            "There is no registry credential with this id. Leave it out or write null."
        )


class DeploymentBody(Body):
    name = Text(max_length=200)
    docker_image = Image(max_length=512)
    cluster_id = Id()
    organization_id = Id(required=False, allow_null=True, help_text="Default: the cluster's.")
    required_ram = AmountField("ram", help_text="GB")
    required_cpu = AmountField("cpu", help_text="cores")
    required_gpu = AmountField("gpu", required=False, help_text="devices")
    priority = PriorityField(required=False)
    dependency_ids = serializers.ListField(child=Id(), required=False, max_length=MOST_ENTRIES)
    command = Words(required=False)
    args = Words(required=False)
    env = Pairs(ENV_NAME, required=False)
    secret_env = Pairs(ENV_NAME, required=False, write_only=True)
    working_dir = Text(required=False, allow_blank=True, max_length=1024)
    registry_credential_id = RegistryCredentialId(required=False, allow_null=True)
    image_pull_policy = serializers.ChoiceField(choices=PullPolicy.choices, required=False)
    restart_policy = serializers.ChoiceField(choices=RestartPolicy.choices, required=False)
    max_retries = Whole(required=False, min_value=0, max_value=1000)
    time_limit_seconds = Whole(required=False, allow_null=True, min_value=1, max_value=LONGEST_SECONDS)
    grace_period_seconds = Whole(required=False, min_value=0, max_value=86_400)
    expected_seconds = Whole(required=False, allow_null=True, min_value=1, max_value=LONGEST_SECONDS)
    simulated_seconds = Seconds(
        required=False,
        allow_null=True,
        help_text="On a simulated cluster: how long it runs. None: until stopped.",
    )
    labels = Pairs(required=False)
    ports = serializers.ListField(child=Whole(min_value=1, max_value=65_535), required=False, max_length=100)
    id = serializers.ReadOnlyField()
    status = serializers.ReadOnlyField()
    reason = serializers.ReadOnlyField()
    created_by = serializers.ReadOnlyField()
    secret_env_names = serializers.ReadOnlyField()
    preemption_count = serializers.ReadOnlyField()
    retries_used = serializers.ReadOnlyField()
    exit_code = serializers.ReadOnlyField()
    created_at = serializers.ReadOnlyField()
    queued_at = serializers.ReadOnlyField()
    started_at = serializers.ReadOnlyField()
    ended_at = serializers.ReadOnlyField()


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
    simulated_seconds = serializers.FloatField(allow_null=True)
    labels = serializers.DictField()
    ports = serializers.ListField(child=serializers.IntegerField())
    preemption_count = serializers.IntegerField()
    retries_used = serializers.IntegerField()
    exit_code = serializers.IntegerField(allow_null=True)
    created_at = serializers.DateTimeField()
    queued_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)


class RunAnswer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    cluster_id = serializers.IntegerField()
    priority = serializers.IntegerField()
    booked_at = serializers.DateTimeField()
    running_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)
    outcome = serializers.CharField(allow_null=True)
    exit_code = serializers.IntegerField(allow_null=True)
    stop_cause = serializers.CharField(allow_null=True)
    preempted_by_id = serializers.IntegerField(
        allow_null=True, help_text="Null where it is another tenant's."
    )
    detail = serializers.CharField()
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
