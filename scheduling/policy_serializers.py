"""The shapes of a policy's calls, made from the table of its settings."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from accounts.errors import InvalidInput
from accounts.wire import Body, Choice, Flag, Whole
from clusters.models import MOST_WEIGHT
from scheduling.core.policy import PRESETS, VictimOrder
from scheduling.examples import POLICY_SHOWN
from scheduling.policy_kinds import LOWER, MayPreempt, Number, Order, Setting, Switch, UserWeights
from scheduling.policy_settings import COLUMNS, PRESET_TOLD

WHO_PREEMPTS = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        upper: {"type": "array", "items": {"type": "string", "enum": lower or [""]}, "maxItems": len(lower)}
        for upper, lower in LOWER.items()
    },
}
WEIGHTS = {
    "type": "object",
    "additionalProperties": {"type": "integer", "minimum": 1, "maximum": MOST_WEIGHT},
}
ORDERS = [order.value for order in VictimOrder]


class Cleaned(serializers.Field[Any, Any, Any, Any]):
    """A value whose shape the setting itself looks at."""

    def __init__(self, setting: Setting, **options: Any) -> None:
        self.setting = setting
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> Any:
        try:
            return self.setting.clean(data)
        except InvalidInput as error:
            raise serializers.ValidationError(error.detail) from error

    def to_representation(self, value: Any) -> Any:
        return value


@extend_schema_field(WHO_PREEMPTS)
class WhoPreempts(Cleaned):
    """{"HIGH": ["MEDIUM", "LOW"]}."""


@extend_schema_field(WEIGHTS)
class Weights(Cleaned):
    """{"7": 2}: the id of a user, and a weight."""


def field_of(setting: Setting, **options: Any) -> serializers.Field[Any, Any, Any, Any]:
    """A setting as a field of a body or an answer."""
    match setting:
        case Number():
            return Whole(min_value=setting.least, max_value=setting.most, **options)
        case Switch():
            return Flag(**options)
        case Order():
            return Choice(choices=ORDERS, **options)
        case MayPreempt():
            return WhoPreempts(setting, **options)
        case UserWeights():
            return Weights(setting, **options)
    raise AssertionError(f"{setting.name} has no field")


def preset(**options: Any) -> Choice:
    return Choice(choices=list(PRESETS), allow_null=True, help_text=PRESET_TOLD, **options)


class EffectiveAnswer(serializers.Serializer[Any]):
    """What holds: the preset's settings, and the overrides."""

    def get_fields(self) -> dict[str, Any]:
        return {
            setting.name: field_of(setting, allow_null=isinstance(setting, Number)) for setting in COLUMNS
        }


@extend_schema_serializer(
    examples=[OpenApiExample("a preset with one override", POLICY_SHOWN, response_only=True)]
)
class PolicyAnswer(serializers.Serializer[Any]):
    cluster_id = serializers.IntegerField()
    name = serializers.CharField(
        help_text="As cycles tell it: the preset's, with a star where anything is overridden."
    )
    effective = EffectiveAnswer(help_text="The settings that hold.")

    def get_fields(self) -> dict[str, Any]:
        overrides = {
            setting.name: field_of(setting, allow_null=True, help_text=setting.told) for setting in COLUMNS
        }
        return {**super().get_fields(), "preset": preset(), **overrides}


class PolicyBody(Body):
    answer = PolicyAnswer

    def get_fields(self) -> dict[str, Any]:
        overrides = {
            setting.name: field_of(setting, required=False, allow_null=True, help_text=setting.told)
            for setting in COLUMNS
        }
        return {"preset": preset(required=False), **overrides}
