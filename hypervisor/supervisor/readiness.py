"""Whether the web server answers yet."""

import http.client
from collections.abc import Callable

from hypervisor.supervisor.address import Address


def answers(address: Address, path: str) -> bool:
    """Whether a GET of this path is answered with 200."""
    connection = http.client.HTTPConnection(address.reachable_host, address.port, timeout=2)
    try:
        connection.request("GET", path, headers={"Host": "localhost"})
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def wait_until(condition: Callable[[], bool], *, step: Callable[[], None], attempts: int) -> bool:
    """Whether the condition came true within so many steps."""
    for _ in range(attempts):
        if condition():
            return True
        step()
    return condition()
