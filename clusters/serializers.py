"""The shapes of the clusters' calls."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from accounts.wire import Body, Choice, Flag, Id, Text, Whole
from clusters.amounts import MAXIMUM, RESOURCES, from_wire
from clusters.examples import CHECKED, SHOWN
from clusters.models import ClusterState, Runtime

SIZED = "Left out or null: what the engine has, less a reserve of CPU and RAM. A simulated cluster needs it."


class AmountField(serializers.FloatField):
    """A JSON number from 0 with up to three places: GB, cores or devices. Inside: whole MiB, milli-CPU, milli-GPU."""

    def __init__(self, resource: str, **options: Any) -> None:
        self.resource = resource
        super().__init__(**{"min_value": 0, "max_value": MAXIMUM} | options)

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int | float):
            self.fail("invalid")
        if abs(data) <= MAXIMUM and round(data, 3) != data:
            raise serializers.ValidationError("Write at most three places after the point.")
        # The range is checked in wire units, before the conversion.
        self.run_validators(data)
        return from_wire(self.resource, data)

    def run_validation(self, data: Any = serializers.empty) -> Any:
        is_empty, data = self.validate_empty_values(data)
        return data if is_empty else self.to_internal_value(data)


@extend_schema_serializer(examples=[OpenApiExample("with one job", SHOWN, response_only=True)])
class ClusterAnswer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    organization_id = serializers.IntegerField()
    runtime = serializers.ChoiceField(choices=Runtime.choices)
    paused = serializers.BooleanField()
    state = serializers.ChoiceField(choices=ClusterState.choices)
    total_ram = serializers.FloatField(help_text="GB")
    total_cpu = serializers.FloatField(help_text="cores")
    total_gpu = serializers.FloatField(help_text="devices")
    available_ram = serializers.FloatField()
    available_cpu = serializers.FloatField()
    available_gpu = serializers.FloatField()
    allocated_ram = serializers.FloatField()
    allocated_cpu = serializers.FloatField()
    allocated_gpu = serializers.FloatField()
    sized_by_engine = serializers.ListField(
        child=serializers.ChoiceField(choices=RESOURCES),
        help_text="Resources whose total is what the engine has, less a reserve.",
    )
    engine_version = serializers.CharField(help_text="As of the last check that reached it.")
    engine_problem = serializers.CharField(help_text="Why the last check failed; empty if it did not.")
    checked_at = serializers.DateTimeField(allow_null=True)
    max_grace_period_seconds = serializers.IntegerField()
    created_at = serializers.DateTimeField()


@extend_schema_serializer(examples=[OpenApiExample("one that answers", CHECKED, response_only=True)])
class CheckAnswer(serializers.Serializer[Any]):
    reachable = serializers.BooleanField()
    version = serializers.CharField()
    capacity_ram = serializers.FloatField(allow_null=True, help_text="GB; null: the engine cannot tell.")
    capacity_cpu = serializers.FloatField(allow_null=True, help_text="cores")
    capacity_gpu = serializers.FloatField(allow_null=True, help_text="devices")
    facts = serializers.DictField(help_text="What the engine tells of itself.")
    problem = serializers.CharField(help_text="Why it could not be reached; empty if it could.")
    warnings = serializers.ListField(child=serializers.CharField())
    checked_at = serializers.DateTimeField()


class ClusterBody(Body):
    answer = ClusterAnswer

    name = Text(max_length=200)
    organization_id = Id()
    total_ram = AmountField("ram", required=False, allow_null=True, help_text=SIZED)
    total_cpu = AmountField("cpu", required=False, allow_null=True, help_text=SIZED)
    total_gpu = AmountField("gpu", required=False, allow_null=True, help_text=SIZED)
    runtime = Choice(choices=Runtime.choices, required=False)
    connection = serializers.DictField(required=False, allow_null=True, write_only=True)
    paused = Flag(required=False)
    max_grace_period_seconds = Whole(required=False, min_value=0, max_value=86_400)
