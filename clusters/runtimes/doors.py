"""Doors to engines that stay open between two calls, so that not each pass signs in anew."""

import threading
from collections import OrderedDict

from .endpoints import Endpoint, Reach
from .http import EngineHTTP

MOST_DOORS = 256
_Key = tuple[Endpoint, Reach, str]
_lock = threading.Lock()
_doors: OrderedDict[str, tuple[_Key, EngineHTTP]] = OrderedDict()


def door(name: str, endpoint: Endpoint, reach: Reach, *, bearer: str = "") -> EngineHTTP:
    """This process's one door of that name. Another endpoint, reach or bearer than before closes it and opens anew.

    The least used one is closed when there are more than MOST_DOORS. What is under way on a closed one fails, and
    may be asked again. Raises RuntimeFailure for an endpoint that cannot be used.
    """
    key, closed = (endpoint, reach, bearer), []
    with _lock:
        before = _doors.pop(name, None)
        if before is not None and before[0] == key:
            _doors[name] = before
            return before[1]
        if before is not None:
            closed.append(before[1])
        opened = EngineHTTP(endpoint, reach, bearer=bearer)
        _doors[name] = key, opened
        if len(_doors) > MOST_DOORS:
            closed.append(_doors.popitem(last=False)[1][1])
    for old in closed:
        old.close()
    return opened
