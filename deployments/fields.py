"""The fields that only a deployment's body has: each refuses with what to write instead."""

import math
import re
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.wire import Text
from deployments.images import is_reference
from deployments.models import Priority

NAMES = {choice.label: choice.value for choice in Priority}
ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
MOST_ENTRIES = 1000
LONGEST_VALUE = 32_768
LONGEST_SECONDS = 10 * 365 * 86_400


PRIORITY_SCHEMA = {
    "oneOf": [{"type": "integer", "enum": Priority.values}, {"type": "string", "enum": Priority.labels}],
    "description": "1 LOW, 2 MEDIUM, 3 HIGH; names are accepted.",
}


@extend_schema_field(PRIORITY_SCHEMA)
class PriorityField(serializers.Field[Any, Any, Any, Any]):
    """1, 2, 3 or LOW, MEDIUM, HIGH in any case."""

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, str) and data.upper() in NAMES:
            return NAMES[data.upper()]
        if isinstance(data, bool) or not isinstance(data, int | float) or data not in Priority.values:
            raise serializers.ValidationError('Write 1, 2, 3 or "LOW", "MEDIUM", "HIGH".')
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
