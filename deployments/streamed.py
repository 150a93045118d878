"""What the calls share whose answer is a stream that another process puts in its place."""

from typing import Any

import orjson
from rest_framework.renderers import BaseRenderer


class StreamRenderer(BaseRenderer):
    """For clients that accept nothing but the stream. Only refusals are rendered, and they are JSON all the same."""

    charset = None

    def render(self, data: Any, *_: Any, **__: Any) -> bytes:
        return orjson.dumps(data)
