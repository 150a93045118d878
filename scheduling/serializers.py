"""The shapes of the scheduler's calls."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from accounts.wire import Body, Several, Text
from clusters.serializers import AmountField
from deployments.fields import PriorityField
from scheduling.core.policy import VictimOrder
from scheduling.core.reasons import Reason
from scheduling.examples import TOLD
from scheduling.plans import MOST_SUPPOSED


class CycleAnswer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    at = serializers.DateTimeField()
    policy = serializers.CharField()
    pending = serializers.IntegerField(help_text="Pending at its start.")
    scheduled = serializers.IntegerField(help_text="Of those: started, or given a seat for the first time.")
    preempted = serializers.IntegerField(help_text="Runs told to stop.")
    unschedulable = serializers.IntegerField(help_text="Of those pending: the rest.")
    held = serializers.IntegerField(help_text="Of the unschedulable: held by dependencies.")
    read_ms = serializers.FloatField(help_text="Milliseconds, of the whole batch.")
    plan_ms = serializers.FloatField()
    write_ms = serializers.FloatField()
    batch = serializers.IntegerField(help_text="Clusters planned together, which share the durations.")


class SupposedBody(Body):
    """A deployment that does not exist."""

    name = Text(max_length=200, required=False, help_text="Said again in the answer.")
    required_ram = AmountField("ram", help_text="GB")
    required_cpu = AmountField("cpu", help_text="cores")
    required_gpu = AmountField("gpu", required=False, help_text="devices. Default 0.")
    priority = PriorityField(required=False)


class PlanBody(Body):
    deployments = Several(
        child=SupposedBody(),
        required=False,
        max_length=MOST_SUPPOSED,
        help_text="Deployments to suppose: they would join the queue now, in this order.",
    )


class PlannedAnswer(serializers.Serializer[Any]):
    deployment_id = serializers.IntegerField(
        allow_null=True, help_text="Null: another tenant's, or one that you supposed."
    )
    index = serializers.IntegerField(
        allow_null=True, help_text="Its place, from 0, among those that you supposed; else null."
    )
    name = serializers.CharField(allow_null=True, help_text="Only of those that you supposed.")
    priority = serializers.IntegerField()
    required_ram = serializers.FloatField()
    required_cpu = serializers.FloatField()
    required_gpu = serializers.FloatField()


class PlannedEviction(serializers.Serializer[Any]):
    victim = PlannedAnswer()
    preemptor = PlannedAnswer()


class PlannedReason(serializers.Serializer[Any]):
    deployment = PlannedAnswer()
    reason = serializers.ChoiceField(
        choices=[reason.value for reason in Reason],
        allow_null=True,
        help_text="Null: another tenant's, which waits for something of its own.",
    )


@extend_schema_serializer(
    examples=[OpenApiExample("one that is supposed preempts", TOLD, response_only=True)]
)
class PlanAnswer(serializers.Serializer[Any]):
    cluster_id = serializers.IntegerField()
    at = serializers.DateTimeField(help_text="The moment that it is true of.")
    policy = serializers.CharField()
    pending = serializers.IntegerField(help_text="With those that you supposed, as all counts here.")
    scheduled = serializers.IntegerField()
    preempted = serializers.IntegerField()
    unschedulable = serializers.IntegerField()
    held = serializers.IntegerField()
    starts = PlannedAnswer(many=True)
    seats = PlannedAnswer(many=True, help_text="Room promised: they start when those who make it have gone.")
    dropped_seats = PlannedAnswer(many=True)
    evictions = PlannedEviction(many=True, help_text="Who is told to stop, and for whom.")
    reasons = PlannedReason(many=True, help_text="Why each one that still waits does, in queue order.")


class CertifiedDeployment(serializers.Serializer[Any]):
    deployment_id = serializers.IntegerField(allow_null=True, help_text="Null: another tenant's.")
    priority = serializers.IntegerField()
    required_ram = serializers.FloatField()
    required_cpu = serializers.FloatField()
    required_gpu = serializers.FloatField()


class CertifiedCandidate(CertifiedDeployment):
    lost_seconds = serializers.FloatField(
        help_text="Work since its last checkpoint: GPU-seconds; core-seconds on a cluster without GPUs."
    )


class CertifiedVictim(CertifiedCandidate):
    preemptor_id = serializers.IntegerField(allow_null=True, help_text="For whom. Null: another tenant's.")


class CertificateAnswer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    cluster_id = serializers.IntegerField()
    at = serializers.DateTimeField()
    policy = serializers.CharField()
    victim_order = serializers.ChoiceField(choices=[order.value for order in VictimOrder])
    lost_seconds = serializers.FloatField(help_text="Of all victims.")
    why_nobody_else = serializers.CharField()
    preemptors = CertifiedDeployment(many=True, help_text="Those that somebody was evicted for.")
    victims = CertifiedVictim(many=True)
    room_before_ram = serializers.FloatField(
        help_text="What was left for preemptors before, once all that is stopping has gone and all promises are kept."
    )
    room_before_cpu = serializers.FloatField()
    room_before_gpu = serializers.FloatField()
    room_after_ram = serializers.FloatField(help_text="What is left after, when the victims have gone.")
    room_after_cpu = serializers.FloatField()
    room_after_gpu = serializers.FloatField()
    candidates = serializers.IntegerField(help_text="Runs that the policy would have let go.")
    spared = CertifiedCandidate(many=True, help_text="Of those that stayed, the first in the policy's order.")
