"""The shapes of the scheduler's calls."""

from typing import Any

from rest_framework import serializers


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
