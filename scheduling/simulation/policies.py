"""Policies as an operator writes them: a preset, and settings that differ from it. Pure."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, replace
from typing import Any

from scheduling.core.policy import PRESETS, Policy, VictimOrder

SHARES = {"organization_shares": False, "user_shares": False}
"""What `--no-shares` sets."""
NO_LIMIT = ("none", "off", "")
YES, NO = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


class BadPolicy(Exception):
    """What was written names no policy; the message says what can be written."""


def parse(
    text: str, *, known: Mapping[str, Policy] = PRESETS, settings: Mapping[str, Any] | None = None
) -> Policy:
    """`NAME` or `NAME,SETTING=VALUE,…` as a policy, whose name tells its settings too. Raises BadPolicy.

    `settings` hold for it too, where the text itself does not give them.
    """
    name, *own = (part.strip() for part in text.split(","))
    if name not in known:
        raise BadPolicy(f"There is no policy {name!r}. There are: {', '.join(known)}.")
    changes = {**(settings or {}), **parse_settings(own)}
    return replace(known[name], **changes, name=", ".join((name, *own)))


def parse_settings(texts: Iterable[str]) -> dict[str, Any]:
    """`SETTING=VALUE` each. Raises BadPolicy."""
    found: dict[str, Any] = {}
    for text in texts:
        name, equals, value = (part.strip() for part in text.partition("="))
        if not equals:
            raise BadPolicy(f"{text!r} is no SETTING=VALUE. Write for example minimum_run_seconds=600.")
        reader = READERS.get(name)
        if reader is None:
            raise BadPolicy(f"There is no setting {name!r}. There are: {', '.join(READERS)}.")
        try:
            found[name] = reader(value)
        except ValueError as error:
            raise BadPolicy(f"{name}={value}: {error}") from None
    return found


def as_words(policy: Policy) -> dict[str, Any]:
    """The settings as JSON can hold them."""
    words = {one.name: getattr(policy, one.name) for one in fields(Policy)}
    words["may_preempt"] = {
        str(priority): sorted(lower) for priority, lower in sorted(policy.may_preempt.items())
    }
    return {name: str(value) if isinstance(value, VictimOrder) else value for name, value in words.items()}


def _whole(value: str) -> int:
    if not value.isdecimal():
        raise ValueError("write a whole number, 0 or more.")
    return int(value)


def _limit(value: str) -> int | None:
    if value.lower() in NO_LIMIT:
        return None
    if not value.isdecimal():
        raise ValueError("write a whole number, 0 or more, or none for no limit.")
    return int(value)


def _period(value: str) -> int | None:
    found = _limit(value)
    if found == 0:
        raise ValueError("write a whole number above 0, or none to switch it off.")
    return found


def _switch(value: str) -> bool:
    if value.lower() in YES:
        return True
    if value.lower() in NO:
        return False
    raise ValueError("write true or false.")


def _order(value: str) -> VictimOrder:
    try:
        return VictimOrder(value)
    except ValueError:
        raise ValueError(f"write one of {', '.join(VictimOrder)}.") from None


def _may_preempt(value: str) -> dict[int, frozenset[int]]:
    if value.lower() in NO_LIMIT:
        return {}
    found: dict[int, frozenset[int]] = {}
    for rule in value.split("/"):
        higher, _, lower = rule.partition(":")
        numbers = [higher, *lower.split("+")]
        if not set(numbers) <= {"1", "2", "3"}:
            raise ValueError("write who:whom for each priority, for example 3:1+2/2:1, or none for nobody.")
        found[int(higher)] = frozenset(map(int, numbers[1:]))
    return found


READERS: Mapping[str, Callable[[str], Any]] = {
    "may_preempt": _may_preempt,
    "victim_order": _order,
    "lower_priority_first": _switch,
    "minimum_run_seconds": _whole,
    "most_evictions": _limit,
    "evictions_per_minute": _limit,
    "ageing_seconds": _period,
    "organization_shares": _switch,
    "user_shares": _switch,
    "share_band_percent": _whole,
    "shortest_first": _switch,
    "reservation_after_seconds": _limit,
}
