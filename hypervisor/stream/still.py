"""Whether who holds an answer open may still have it: web is asked so, again and again."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable

Still = Callable[[], Awaitable[int]]
"""The status with which web would answer the same request now."""
LOOK_SECONDS = 5 * 60.0
"""After so long, or up to a fifth less: those who came together do not ask together."""
AGAIN_SECONDS = 30.0
"""While web cannot say."""
LONGEST_SECONDS = 15 * 60.0
"""Without a yes."""
_UNSURE = frozenset({408, 429})

DENIED = "you may no longer read it. Sign in, or ask a member"
UNKNOWN = "for a long time nobody could say whether you may still read it. Ask again"


async def until_lost(still: Still) -> str:
    """Returns why, once web says no, or has not said yes for `LONGEST_SECONDS`."""
    agreed = time.monotonic()
    pause = _pause()
    while True:
        await asyncio.sleep(pause)
        status = await still()
        if status < 300:
            agreed, pause = time.monotonic(), _pause()
        elif status < 500 and status not in _UNSURE:
            return DENIED
        elif time.monotonic() - agreed > LONGEST_SECONDS:
            return UNKNOWN
        else:
            pause = AGAIN_SECONDS


def _pause() -> float:
    return LOOK_SECONDS * random.uniform(0.8, 1)
