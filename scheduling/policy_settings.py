"""The settings of a cluster's policy, each told once: column, wire, console and explanation follow this table."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import BooleanField, F, Func, Q, Value

from accounts.errors import InvalidInput
from deployments.models import Priority
from scheduling.core.policy import PRESETS, Policy, VictimOrder

TEN_YEARS = 10 * 365 * 86_400
"""The longest span of a setting, in seconds: as good as never."""
MOST_WEIGHT = 1000
MOST_WEIGHED = 1000
PRESET_TOLD = (
    "Where all settings start from: two_phase, the classic rule; least_waste, which preempts what loses least work; "
    "or balanced, which also shares fairly. Null: the installation's default (SCHEDULER_POLICY)."
)
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


SETTINGS: tuple[Setting, ...] = (
    MayPreempt(
        "may_preempt", "Which priority may preempt which; only strictly lower ones. {}: nobody is ever preempted."
    ),
    Order(
        "victim_order",
        "Who is told to stop first among those of one priority: oldest, the longest running; youngest; or "
        "least_lost_work, the set that loses the least work since its checkpoints, chosen for all preemptors together.",
    ),
    Number("minimum_run_seconds", "A run is not preempted before it has run so many seconds. 0: at any time."),
    Number(
        "most_evictions",
        "A deployment that was preempted so many times is not preempted any more. 0: nobody is.",
        most=1_000_000,
    ),
    Number(
        "evictions_per_minute",
        "So many runs of the whole cluster may be told to stop within 60 seconds. 0: none.",
        most=1_000_000,
    ),
    Number(
        "ageing_seconds",
        "Each so many seconds of waiting move a deployment up by one priority in the queue; they never let it preempt.",
        least=1,
    ),
    Switch(
        "organization_shares",
        "Within a priority, the organization that uses the least for its weight goes first. Weights: "
        "/clusters/{id}/shares.",
    ),
    Switch(
        "user_shares",
        "Within an organization, the user who uses the least for their weight goes first. Weights: user_weights.",
    ),
    Switch(
        "shortest_first",
        "Of equal standing, what is expected to end soonest goes first (expected_seconds, else how long the last ones "
        "with the same image ran); what is not known goes last.",
    ),
    Number(
        "reservation_after_seconds",
        "Room is kept for the deployment that has waited longest, once it has waited more than so many seconds. "
        f"To have none, write {TEN_YEARS}.",
    ),
)  # fmt: skip
"""One line for each field of `Policy` but its name; a test holds them together."""


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


USER_WEIGHTS = UserWeights(
    "user_weights",
    "Weights of users' shares where user_shares is on: one of weight 2 is due twice as much as one of weight 1. Ids of "
    "members of the cluster's organization, with whole numbers from 1 to 1000.",
)
COLUMNS: tuple[Setting, ...] = (*SETTINGS, USER_WEIGHTS)
"""All that a cluster may override."""


def as_shown(policy: Policy) -> dict[str, Any]:
    """A policy's settings as the wire shows them."""
    return {setting.name: setting.shown(getattr(policy, setting.name)) for setting in SETTINGS}


def _written(value: Any) -> str:
    if value is None:
        return "off"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return "; ".join(f"{upper} may preempt {' and '.join(lower)}" for upper, lower in value.items())
    return str(value)
