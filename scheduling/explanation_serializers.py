"""The shape of an explanation."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from deployments.serializers import WaitingReason
from deployments.states import Status
from scheduling.core.changes import Kind
from scheduling.core.forecast import Unknown
from scheduling.core.forks import Effect
from scheduling.core.lengths import Basis
from scheduling.explanation_answer import WAITS
from scheduling.explanation_example import EXPLAINED


class HeldAmount(serializers.Serializer[Any]):
    deployment_id = serializers.IntegerField(allow_null=True, help_text="Null: another tenant's.")
    name = serializers.CharField(allow_null=True)
    required_ram = serializers.FloatField()
    required_cpu = serializers.FloatField()
    required_gpu = serializers.FloatField()


class Work(HeldAmount):
    organization_id = serializers.IntegerField(allow_null=True)
    priority = serializers.IntegerField()


class HolderAnswer(Work):
    promised = serializers.BooleanField(help_text="It does not run yet: the room is promised to it.")
    stopping = serializers.BooleanField(help_text="It is on its way out.")


class ReleaseAnswer(HeldAmount):
    at = serializers.DateTimeField(help_text="When it is likely to end.")
    basis = serializers.ChoiceField(
        choices=[basis.value for basis in Basis], allow_null=True, help_text="Null: another tenant's."
    )
    covers = serializers.BooleanField(help_text="With this one and those before it, nothing lacks any more.")


class WaitedFor(serializers.Serializer[Any]):
    deployment_id = serializers.IntegerField()
    name = serializers.CharField()
    status = serializers.ChoiceField(choices=Status.choices)


class Suggestion(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=[kind.value for kind in Kind])
    effect = serializers.ChoiceField(
        choices=[effect.value for effect in Effect],
        help_text="starts; or seat: room is promised to it, and it starts when those who make it have gone.",
    )
    text = serializers.CharField()
    change = serializers.DictField(
        allow_null=True,
        help_text="What to send to PATCH /deployments/{id}. Null: nothing of the deployment's.",
    )
    run = HeldAmount(
        allow_null=True, help_text="Whose end is meant; with dependencies_met, who has to complete."
    )
    at = serializers.DateTimeField(allow_null=True, help_text="When that is likely. Null: nobody knows.")
    evicts = Work(many=True, help_text="Who would be told to stop that is not without the change.")


class StartAnswer(serializers.Serializer[Any]):
    earliest = serializers.DateTimeField(allow_null=True)
    likely = serializers.DateTimeField(allow_null=True)
    latest = serializers.DateTimeField(allow_null=True)
    unknown = serializers.ChoiceField(
        choices=[unknown.value for unknown in Unknown],
        allow_null=True,
        help_text="Why none of them is known.",
    )
    text = serializers.CharField(help_text="What the moments assume, or why there are none.")


@extend_schema_serializer(
    examples=[OpenApiExample("one that waits for a GPU", EXPLAINED, response_only=True)]
)
class ExplanationAnswer(serializers.Serializer[Any]):
    deployment_id = serializers.IntegerField()
    cluster_id = serializers.IntegerField()
    at = serializers.DateTimeField(help_text="The moment that all of this is true of.")
    status = serializers.ChoiceField(choices=Status.choices)
    summary = serializers.CharField(help_text="The answer in a sentence or two.")
    policy = serializers.CharField(
        allow_null=True, help_text="Null, or empty, as all below, if it is not pending."
    )
    next_cycle = serializers.ChoiceField(
        choices=[*(effect.value for effect in Effect), WAITS],
        allow_null=True,
        help_text="What the next cycle does for it if nothing changes; seat: room is promised to it.",
    )
    queue_position = serializers.IntegerField(allow_null=True, help_text="In its cluster's queue, from 1.")
    queue_length = serializers.IntegerField(allow_null=True)
    reasons = WaitingReason(many=True, help_text="All that keep it from starting now.")
    waits_for = WaitedFor(many=True, help_text="Its dependencies that are not completed.")
    suggestions = Suggestion(
        many=True,
        help_text="Up to five single changes; each was planned, and does what it says. Cheapest first.",
    )
    searched_all = serializers.BooleanField(
        help_text="False: the cluster is so large that the search was cut short; there may be more."
    )
    start = StartAnswer(allow_null=True, help_text="When it starts if nobody else submits.")
    holders = HolderAnswer(
        many=True, help_text="Who holds what it lacks, the largest part first, at most 20."
    )
    releases = ReleaseAnswer(
        many=True, help_text="The next likely ends of those who hold what it lacks, at most 20."
    )
    covered_at = serializers.DateTimeField(
        allow_null=True, help_text="When these ends cover what lacks; others in the queue may take it first."
    )
    unknown_ends = serializers.IntegerField(
        help_text="So many more hold what it lacks, and nobody knows when they end."
    )
    clusters_considered = serializers.ListField(
        child=serializers.IntegerField(), help_text="Where else it was tried, by cluster id."
    )
