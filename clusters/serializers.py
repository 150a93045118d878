"""The shapes of the clusters' calls."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from accounts.wire import Body, Flag, Id, Text, Whole
from clusters.amounts import MAXIMUM, from_wire
from clusters.examples import SHOWN
from clusters.models import ClusterState, Runtime


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
    max_grace_period_seconds = serializers.IntegerField()
    created_at = serializers.DateTimeField()


class ClusterBody(Body):
    answer = ClusterAnswer

    name = Text(max_length=200)
    organization_id = Id()
    total_ram = AmountField("ram")
    total_cpu = AmountField("cpu")
    total_gpu = AmountField("gpu")
    runtime = serializers.ChoiceField(choices=Runtime.choices, required=False)
    connection = serializers.DictField(required=False, allow_null=True, write_only=True)
    paused = Flag(required=False)
    max_grace_period_seconds = Whole(required=False, min_value=0, max_value=86_400)
