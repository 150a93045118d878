"""How often engines may be asked."""

from accounts.throttles import UserThrottle


class CheckThrottle(UserThrottle):
    """Each check keeps a request waiting, and a worker, for as long as the engine takes."""

    scope = "check"
