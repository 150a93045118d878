"""The kinds of settings that a policy has: how each is stored, held to its bounds, and shown."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import BooleanField, F, Func, Q, Value

from accounts.errors import InvalidInput
from clusters.models import MOST_WEIGHT
from deployments.models import Priority
from scheduling.core.policy import PRESETS, VictimOrder

TEN_YEARS = 10 * 365 * 86_400
"""The longest span of a setting, in seconds: as good as never."""

MOST_WEIGHED = 1000
LOWER = {
    one.label: [other.label for other in sorted(Priority, reverse=True) if other < one]
    for one in sorted(Priority, reverse=True)
}
"""Priority → those strictly below it, highest first."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting. `help` says what it does and its unit; a stored None means that the preset's value holds."""

    name: str
    help: str

    @property
    def told(self) -> str:
        """`help`, with what each preset has and what null means."""
        values = ", ".join(
            f"{name} {_written(self.shown(getattr(preset, self.name)))}" for name, preset in PRESETS.items()
        )
        return f"{self.help} Presets: {values}. Null: as the preset has it."

    def column(self) -> "models.Field[Any, Any]":
        """Where an override is stored."""
        raise NotImplementedError

    def rule(self) -> Any:
        """What the database holds a stored value to; None: its column says it all."""
        return None

    def clean(self, value: Any) -> Any:
        """An override as it is stored. Raises InvalidInput for one that no form or serializer could refuse."""
        return value

    def inside(self, stored: Any) -> Any:
        """A stored override as the planner has it."""
        return stored

    def shown(self, value: Any) -> Any:
        """The planner's value as the wire shows it."""
        return value


@dataclass(frozen=True, slots=True)
class Number(Setting):
    """A whole number between both bounds."""

    least: int = 0
    most: int = TEN_YEARS

    def column(self) -> "models.Field[Any, Any]":
        bounds = [MinValueValidator(self.least), MaxValueValidator(self.most)]
        return models.PositiveIntegerField(null=True, blank=True, validators=bounds)

    def rule(self) -> Any:
        return Q(**{f"{self.name}__gte": self.least, f"{self.name}__lte": self.most})


@dataclass(frozen=True, slots=True)
class Switch(Setting):
    """Yes or no."""

    def column(self) -> "models.Field[Any, Any]":
        return models.BooleanField(null=True, blank=True)


@dataclass(frozen=True, slots=True)
class Order(Setting):
    """Who goes first among possible victims."""

    def column(self) -> "models.Field[Any, Any]":
        choices = [(order.value, order.value) for order in VictimOrder]
        return models.CharField(max_length=32, null=True, blank=True, choices=choices)

    def rule(self) -> Any:
        return Q(**{f"{self.name}__in": [order.value for order in VictimOrder]})

    def clean(self, value: Any) -> Any:
        return value or None

    def inside(self, stored: Any) -> Any:
        return VictimOrder(stored)

    def shown(self, value: Any) -> Any:
        return VictimOrder(value).value


@dataclass(frozen=True, slots=True)
class MayPreempt(Setting):
    """Priority → the strictly lower ones that it may preempt; by name, {"HIGH": ["MEDIUM", "LOW"]}."""

    def column(self) -> "models.Field[Any, Any]":
        return models.JSONField(null=True, blank=True)

    def rule(self) -> Any:
        return Q(**{f"{self.name}__contained_by": LOWER})

    def clean(self, value: Any) -> Any:
        if value is None:
            return None
        if not isinstance(value, Mapping) or not all(isinstance(lower, list) for lower in value.values()):
            raise self._refused('Write an object of priorities, such as {"HIGH": ["MEDIUM", "LOW"]}.')
        if unknown := [name for name in value if name not in LOWER]:
            raise self._refused(f"{str(unknown[0])[:50]!r} is no priority. Known are: {', '.join(LOWER)}.")
        for name, lower in value.items():
            if wrong := [one for one in lower if not isinstance(one, str) or one not in LOWER[name]]:
                able = f"It may preempt {' and '.join(LOWER[name])}." if LOWER[name] else "It has none below."
                raise self._refused(f"{name} cannot preempt {str(wrong[0])[:50]!r}. {able}")
        return {name: [one for one in LOWER[name] if one in value[name]] for name in LOWER if name in value}

    def inside(self, stored: Any) -> Any:
        return {
            Priority[name].value: frozenset(Priority[one].value for one in lower)
            for name, lower in stored.items()
            if lower
        }

    def shown(self, value: Any) -> Any:
        return {
            Priority(upper).label: [Priority(one).label for one in sorted(lower, reverse=True)]
            for upper, lower in sorted(value.items(), reverse=True)
        }

    def _refused(self, text: str) -> InvalidInput:
        return InvalidInput({self.name: text})


@dataclass(frozen=True, slots=True)
class UserWeights(Setting):
    """User id → weight of a share, as text → whole number: it is stored as JSON."""

    @property
    def told(self) -> str:
        return f"{self.help} Null: 1 for everybody."

    def column(self) -> "models.Field[Any, Any]":
        return models.JSONField(null=True, blank=True)

    def rule(self) -> Any:
        beyond = f'$.* ? (@.type() != "number" || @ < 1 || @ > {MOST_WEIGHT})'
        return ~Q(
            Func(F(self.name), Value(beyond), function="jsonb_path_exists", output_field=BooleanField())
        )

    def clean(self, value: Any) -> Any:
        if value is None:
            return None
        if not isinstance(value, Mapping) or len(value) > MOST_WEIGHED:
            text = (
                f'Write an object of at most {MOST_WEIGHED} user ids with their weights, such as {{"7": 2}}.'
            )
            raise InvalidInput({self.name: text})
        for user, weight in value.items():
            if not (isinstance(user, str) and user.isascii() and user.isdigit() and 0 < len(user) < 19):
                raise InvalidInput({self.name: f"{str(user)[:50]!r} is no id of a user."})
            if isinstance(weight, bool) or not isinstance(weight, int) or not 1 <= weight <= MOST_WEIGHT:
                raise InvalidInput({self.name: f"A weight is a whole number from 1 to {MOST_WEIGHT}."})
        return {str(int(user)): weight for user, weight in value.items()} or None

    def inside(self, stored: Any) -> Any:
        return {int(user): weight for user, weight in stored.items()}


def _written(value: Any) -> str:
    if value is None:
        return "off"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return "; ".join(f"{upper} may preempt {' and '.join(lower)}" for upper, lower in value.items())
    return str(value)
