"""How often the planner may be asked."""

from accounts.throttles import UserThrottle


class PlanThrottle(UserThrottle):
    """A plan of a long queue keeps a web process at work for as long as a cycle takes a worker."""

    scope = "plan"
