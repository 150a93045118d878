"""Server-sent events: lines into messages, and a stream that goes on when its connection does not."""

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hypervisor_client.answers import Event
from hypervisor_client.errors import Unavailable, Unreachable
from hypervisor_client.transport import MOST_DOUBLINGS, Transport

SILENCE_SECONDS = 45.0
"""A comment comes every 15 s; after three that did not come the connection counts as dead."""
LONGEST_PAUSE = 10.0


@dataclass(frozen=True, slots=True)
class Message:
    """`comment`: the text of a comment line, which is a message of its own here. Without data it tells nothing but
    its `id`, from which a stream can be resumed, or its `retry`."""

    event: str = "message"
    data: str = ""
    id: str | None = None
    retry: int | None = None
    comment: str | None = None


def messages(lines: Iterable[str]) -> Iterator[Message]:
    """As the HTML standard reads them; half a message at the end is dropped."""
    event, data, id_, retry = "", list[str](), None, None
    is_placed = False
    for line in lines:
        if line.startswith(":"):
            yield Message(comment=line[1:].strip())
            continue
        if not line:
            # A place without news counts, too: it is all that a quiet stream has to resume from.
            if data or retry is not None or is_placed:
                yield Message(event or "message", "\n".join(data), id_, retry)
            event, data, retry, is_placed = "", [], None, False
            continue
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            event = value
        elif name == "data":
            data.append(value)
        elif name == "id" and "\0" not in value:
            id_, is_placed = value, True
        elif name == "retry" and value.isascii() and value.isdigit():
            retry = int(value)


def follow(transport: Transport, params: Mapping[str, Any]) -> Iterator[Event]:
    """Events for ever, each once, over as many connections as it takes. Raises Problem where the first one is refused,
    and later whatever but a busy service refuses with."""
    last_id: str | None = None
    pause, opened, failures = 1.0, False, 0
    while True:
        headers = {"Accept": "text/event-stream"}
        if last_id is not None:
            headers["Last-Event-ID"] = last_id
        try:
            with transport.stream(
                "/events", params=params, headers=headers, silence=SILENCE_SECONDS
            ) as answer:
                opened, failures = True, 0
                for message in messages(answer.iter_lines()):
                    pause = message.retry / 1000 if message.retry is not None else pause
                    last_id = message.id if message.id is not None else last_id
                    event = _event(message)
                    if event is not None:
                        yield event
        except (Unreachable, Unavailable):
            if not opened:
                raise
            failures += 1
        time.sleep(min(LONGEST_PAUSE, pause * 2 ** min(failures, MOST_DOUBLINGS)))


def _event(message: Message) -> Event | None:
    if message.comment == "ready":
        return Event(raw={}, topic="ready")
    if message.comment is not None or not message.data:
        return None
    try:
        told = json.loads(message.data)
    except ValueError:
        return None
    return Event.read({**told, "topic": message.event}) if isinstance(told, dict) else None
