"""The shapes of submitting many at once."""

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from accounts.wire import Body, Several, Text
from deployments.fields import MOST_ENTRIES
from deployments.serializers import DeploymentBody
from deployments.services.batch import MOST_DEPLOYMENTS
from deployments.services.batch_order import Entry

LONGEST_KEY = 200


class EntryBody(DeploymentBody):
    key = Text(
        required=False,
        max_length=LONGEST_KEY,
        help_text="A name for depends_on of others in this batch; forgotten afterwards.",
    )
    depends_on = serializers.ListField(
        child=Text(max_length=LONGEST_KEY),
        required=False,
        max_length=MOST_ENTRIES,
        help_text="Keys of others in this batch; it waits until all of them are completed, and all dependency_ids.",
    )


class Entries(Several):
    """Each as an Entry: a wrong one does not hide what else is wrong with the others."""

    def run_child_validation(self, data: Any) -> list[Entry]:
        return [self._entry(one) for one in data]

    def _entry(self, data: Any) -> Entry:
        try:
            asked = dict(self.child.run_validation(data))
        except serializers.ValidationError as error:
            key = data.get("key") if isinstance(data, Mapping) else None
            return Entry(key=key.strip() if isinstance(key, str) else None, problem=error.detail)
        return Entry(key=asked.pop("key", None), depends_on=asked.pop("depends_on", ()), asked=asked)


class BatchBody(Body):
    deployments = Entries(child=EntryBody(), max_length=MOST_DEPLOYMENTS, allow_empty=False)


class EntryAnswer(serializers.Serializer[Any]):
    index = serializers.IntegerField(help_text="Its place in the batch, from 0.")
    key = serializers.CharField(allow_null=True)
    id = serializers.IntegerField()


class BatchAnswer(serializers.Serializer[Any]):
    deployments = EntryAnswer(many=True)
