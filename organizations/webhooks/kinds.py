"""The names of events that a webhook can ask for: `deployment.failed`, or all of a topic as `deployment`."""

from collections.abc import Collection, Iterable

known: dict[str, Collection[str]] = {}
"""Topic → kinds. Higher apps add theirs."""
TEST = "test"
"""The topic of the event that a person sends to try a webhook; every webhook gets it."""


def names() -> list[str]:
    """All that can be asked for."""
    return [
        name
        for topic in sorted(known)
        for name in (topic, *(f"{topic}.{one}" for one in sorted(known[topic])))
    ]


def unknown(events: Iterable[str]) -> list[str]:
    """Those that are no names of events."""
    return sorted(set(events) - set(names()))


def wants(events: Collection[str], topic: str, kind: str) -> bool:
    """Whether a webhook with this filter gets an event."""
    return not events or topic in {TEST, *events} or f"{topic}.{kind}" in events
